export { type DescriptorFacts, describeFile } from "./descriptor-facts.ts";
export { type GoModuleProto, loadGoModuleProto, type Upstream } from "./go-module-proto.ts";
export { recordDescriptor } from "./record-descriptor.ts";
