/** A runtime in a process of its own: says when it begins, and is killed by the test. */
import { createCni, parseNetworkConfig } from "../dist/index.js";

const { operation, config, attachment, binDir, cacheDir } = JSON.parse(process.argv[2]);
const cni = createCni({ binDirs: [binDir], cacheDir });
console.log("begins");
if (operation === "add") await cni.add(parseNetworkConfig(config), attachment);
else await cni.del(attachment);
