/**
 * The preset zlib dictionary of SPDY/3 header blocks: 1,423 bytes, Adler-32 e3c6a7c2. It is a
 * constant of the protocol (SPDY/3 draft, section 2.6.10.1): common header names as
 * length-prefixed strings, followed by the status lines and values the draft lists.
 */
const names =
  "options head post put delete trace accept accept-charset accept-encoding accept-language " +
  "accept-ranges age allow authorization cache-control connection content-base content-encoding " +
  "content-language content-length content-location content-md5 content-range content-type date " +
  "etag expect expires from host if-match if-modified-since if-none-match if-range " +
  "if-unmodified-since last-modified location max-forwards pragma proxy-authenticate " +
  "proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade " +
  "user-agent vary via warning www-authenticate method get status";

const values =
  "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505" +
  "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request" +
  "401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented" +
  "503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, " +
  "Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml," +
  "application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdch" +
  "charset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

function lengthPrefixed(text: string): Buffer {
  const encoded = Buffer.alloc(4 + text.length);
  encoded.writeUInt32BE(text.length);
  encoded.write(text, 4, "latin1");
  return encoded;
}

/** The dictionary's bytes. */
export const spdyDictionary: Buffer = Buffer.concat([
  ...names.split(" ").map(lengthPrefixed),
  ...["200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin"].map(
    lengthPrefixed,
  ),
  Buffer.from(values, "latin1"),
]);

/** The dictionary's Adler-32, which every stream compressed with it carries in its header. */
export const spdyDictionaryAdler32 = 0xe3c6a7c2;
