// A process of client-cost.ts: answers every call with bytes that were made beforehand.
import { createServer } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { ListImagesResponseSchema, VersionResponseSchema } from "@dockershim/cri-types";
import { frame } from "./cri-caller.ts";

const [socket, listBytes] = process.argv.slice(2);
const small = frame(
  toBinary(VersionResponseSchema, create(VersionResponseSchema, { runtimeName: "null" })),
);
// One image with a long id decodes at once, so that decoding adds nothing to the next call.
const list = frame(
  toBinary(
    ListImagesResponseSchema,
    create(ListImagesResponseSchema, { images: [{ id: "x".repeat(Number(listBytes)) }] }),
  ),
);

const server = createServer();
server.on("stream", (stream, headers) => {
  stream.resume();
  stream.on("end", () => {
    stream.respond(
      { ":status": 200, "content-type": "application/grpc+proto" },
      { waitForTrailers: true },
    );
    stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(headers[":path"]?.endsWith("/Version") ? small : list);
  });
});
server.listen(socket, () => console.log("ready"));
// The parent's end is ours, however it comes.
setInterval(() => {
  if (process.ppid === 1) process.exit();
}, 1_000).unref();
