import { isList, isMembers, type JsonMembers } from '../schema/json-value.ts';

/**
 * The tool in the form that the SDKs accept, with the same meaning, or the tool itself if it has that form. Arguments of a tool are
 * always an object, so a schema without a type has the type `object`. A member that is null is taken as absent, and a property whose
 * schema is a boolean gets the object with the same meaning. A tool that cannot be read even so stays as it is.
 */
export function readableTool(tool: JsonMembers): JsonMembers {
  const inputSchema = objectSchema(tool.inputSchema);
  const nulls = Object.entries(tool).filter(([, value]) => value === null);
  if (inputSchema === tool.inputSchema && nulls.length === 0) return tool;
  const { ...readable } = tool;
  for (const [name] of nulls) Reflect.deleteProperty(readable, name);
  return { ...readable, inputSchema };
}

function objectSchema(schema: unknown): unknown {
  if (schema === undefined || schema === null || schema === true) return { type: 'object' };
  if (!isMembers(schema)) return schema;
  const { type, properties, required } = schema;
  const isObject = type === 'object';
  const mayBeObject = type === undefined || type === null || (isList(type) && type.includes('object'));
  const hasBooleans = isMembers(properties) && Object.values(properties).some((each) => typeof each === 'boolean');
  if (isObject && !hasBooleans && properties !== null && required !== null) return schema;
  if (!isObject && !mayBeObject) return schema;
  const { ...readable } = schema;
  if (properties === null) Reflect.deleteProperty(readable, 'properties');
  if (required === null) Reflect.deleteProperty(readable, 'required');
  return { ...readable, type: 'object', ...(hasBooleans && { properties: withoutBooleans(properties) }) };
}

function withoutBooleans(properties: JsonMembers): JsonMembers {
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [
      name,
      schema === true ? {} : schema === false ? { not: {} } : schema,
    ]),
  );
}
