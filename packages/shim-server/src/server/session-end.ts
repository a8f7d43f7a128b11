import { constants, type ServerHttp2Session } from "node:http2";

/** The highest number that a call can have on a connection. */
const lastStreamId = 2 ** 31 - 1;

/**
 * Tells a client to make its next calls on another connection, serves what it asks until it has heard that,
 * and lets calls under way finish. A connection that is closed at once may have a call on its way, of which its
 * client cannot know whether it was heard: see RFC 9113, section 6.8.
 *
 * @param noticeMs How long the client may take to hear it, in ms.
 */
export function askToLeave(session: ServerHttp2Session, noticeMs: number): void {
  if (session.closed || session.destroyed) return;
  const timer = setTimeout(() => session.close(), noticeMs);
  session.goaway(constants.NGHTTP2_NO_ERROR, lastStreamId);
  // Its answer comes after all that the client had sent before it heard.
  session.ping(() => {
    clearTimeout(timer);
    session.close();
  });
}
