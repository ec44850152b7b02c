import { isJsonObject, type JsonObject } from '@credence/protocol';
import { type FlatSchema, isList, listOf } from './flat-schema.ts';

/** The types of JSON that a provider takes. */
const TYPES = ['string', 'number', 'integer', 'boolean', 'object', 'array'] as const;
export type Type = (typeof TYPES)[number];

/** Whether a value of this schema can be an object. */
export function isObjectSchema(keywords: JsonObject): boolean {
  const types = typesOf(keywords);
  return types.length === 0 || types.includes('object');
}

/** The types of a schema without `null`: those that it names, or that its other keywords mean. */
export function typesOf(keywords: JsonObject): readonly Type[] {
  const named = listOf(keywords['type']).filter(isType);
  if (named.length > 0) return [...new Set(named)];
  const values = enumOf(keywords);
  if (values) return [...new Set(values.map(typeOf).filter((type) => type !== undefined))];
  if (
    isJsonObject(keywords['properties']) ||
    isList(keywords['required']) ||
    isJsonObject(keywords['additionalProperties'])
  )
    return ['object'];
  if ('items' in keywords || 'prefixItems' in keywords) return ['array'];
  if ('pattern' in keywords || 'format' in keywords || 'minLength' in keywords || 'maxLength' in keywords)
    return ['string'];
  return 'minimum' in keywords || 'maximum' in keywords || 'multipleOf' in keywords ? ['number'] : [];
}

function typeOf(value: unknown): Type | undefined {
  if (isList(value)) return 'array';
  const type = Number.isInteger(value) ? 'integer' : typeof value;
  return value === null || !isType(type) ? undefined : type;
}

function isType(value: unknown): value is Type {
  return TYPES.some((type) => type === value);
}

/** Whether null fits the schema. */
export function isNullable({ keywords, unions }: FlatSchema): boolean {
  return (
    listOf(keywords['type']).includes('null') || enumOf(keywords)?.includes(null) === true || unions.flat().some(isNull)
  );
}

/** Whether nothing but null fits the schema. */
export function isNull(schema: unknown): boolean {
  return isJsonObject(schema) && (schema['type'] === 'null' || ('const' in schema && schema['const'] === null));
}

/** The values of `const` or `enum`. */
export function enumOf(keywords: JsonObject): readonly unknown[] | undefined {
  if ('const' in keywords) return [keywords['const']];
  return isList(keywords['enum']) ? [...new Set(keywords['enum'])] : undefined;
}
