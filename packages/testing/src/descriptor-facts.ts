import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  type FileDescriptorProto,
} from "@bufbuild/protobuf/wkt";

/** What two sides must agree on to understand each other's bytes, and nothing else. */
export interface DescriptorFacts {
  syntax: string;
  package: string;
  messages: Record<string, MessageFacts>;
  enums: Record<string, Record<string, number>>;
  rpcs: Record<string, RpcFacts>;
}

export interface MessageFacts {
  fields: FieldFacts[];
  mapEntry?: true;
  oneofs?: string[];
  reservedNumbers?: string[];
  reservedNames?: string[];
}

export interface FieldFacts {
  name: string;
  number: number;
  type: string;
  label: "singular" | "optional" | "repeated" | "required";
  oneof?: string;
  deprecated?: true;
  redacted?: true;
}

export interface RpcFacts {
  input: string;
  output: string;
  clientStreaming: boolean;
  serverStreaming: boolean;
}

/**
 * Reduces a file descriptor to its facts. Comments, file options, JSON names and
 * the order of declarations are left out: they don't change a byte on the wire.
 */
export function describeFile(file: FileDescriptorProto): DescriptorFacts {
  const messages: Record<string, MessageFacts> = {};
  const enums: Record<string, Record<string, number>> = {};
  const addEnum = (scope: string, declared: EnumDescriptorProto) => {
    enums[`${scope}.${declared.name}`] = Object.fromEntries(
      declared.value.map((value) => [value.name, value.number]),
    );
  };
  const addMessage = (scope: string, declared: DescriptorProto) => {
    const name = `${scope}.${declared.name}`;
    messages[name] = describeMessage(declared);
    for (const nested of declared.nestedType) addMessage(name, nested);
    for (const nested of declared.enumType) addEnum(name, nested);
  };
  for (const declared of file.messageType) addMessage(file.package, declared);
  for (const declared of file.enumType) addEnum(file.package, declared);

  const rpcs: Record<string, RpcFacts> = {};
  for (const service of file.service) {
    for (const method of service.method) {
      rpcs[`${file.package}.${service.name}/${method.name}`] = {
        input: method.inputType.replace(/^\./, ""),
        output: method.outputType.replace(/^\./, ""),
        clientStreaming: method.clientStreaming,
        serverStreaming: method.serverStreaming,
      };
    }
  }
  return { syntax: file.syntax, package: file.package, messages, enums, rpcs };
}

function describeMessage(message: DescriptorProto): MessageFacts {
  const facts: MessageFacts = {
    fields: message.field
      .map((field) => describeField(field, message))
      .sort((a, b) => a.number - b.number),
  };
  if (message.options?.mapEntry) facts.mapEntry = true;
  if (message.oneofDecl.length > 0) facts.oneofs = message.oneofDecl.map((oneof) => oneof.name);
  if (message.reservedRange.length > 0) {
    // The end of a range is exclusive in a descriptor.
    facts.reservedNumbers = message.reservedRange.map(({ start, end }) => `${start}-${end - 1}`);
  }
  if (message.reservedName.length > 0) facts.reservedNames = [...message.reservedName];
  return facts;
}

function describeField(field: FieldDescriptorProto, message: DescriptorProto): FieldFacts {
  const facts: FieldFacts = {
    name: field.name,
    number: field.number,
    type: field.typeName.replace(/^\./, "") || FieldDescriptorProto_Type[field.type].toLowerCase(),
    label: describeLabel(field),
  };
  // A proto3 `optional` is a oneof of one field; the label says it already.
  if (Object.hasOwn(field, "oneofIndex") && !field.proto3Optional) {
    const oneof = message.oneofDecl[field.oneofIndex];
    if (oneof) facts.oneof = oneof.name;
  }
  if (field.options?.deprecated) facts.deprecated = true;
  if (field.options?.debugRedact) facts.redacted = true;
  return facts;
}

function describeLabel(field: FieldDescriptorProto): FieldFacts["label"] {
  if (field.proto3Optional) return "optional";
  switch (field.label) {
    case FieldDescriptorProto_Label.REPEATED:
      return "repeated";
    case FieldDescriptorProto_Label.REQUIRED:
      return "required";
    default:
      return "singular";
  }
}
