import { isJsonObject, type JsonObject } from '@credence/protocol';
import { isList } from './flat-schema.ts';
import { notesOn } from './notes.ts';

/** The description of a converted schema, with what its keywords cannot say. Empty without a text. */
export function described(keywords: JsonObject, notes: readonly string[]): JsonObject {
  const texts = [keywords['description'] ?? keywords['title'], ...notes, ...notesOn(keywords)].filter(isText);
  return texts.length === 0 ? {} : { description: texts.join('\n') };
}

/** The same schema with sentences at the start of its description, or of its first alternative. */
export function withNote(schema: JsonObject, ...notes: readonly string[]): JsonObject {
  if (notes.length === 0) return schema;
  const { anyOf } = schema;
  const [first, ...others] = isList(anyOf) ? anyOf : [];
  if (isJsonObject(first)) return { ...schema, anyOf: [withNote(first, ...notes), ...others] };
  return { ...schema, description: [...notes, schema['description']].filter(isText).join('\n') };
}

/** The keywords among `names` that are numbers. */
export function numbers(keywords: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(
    names.flatMap((name) => (typeof keywords[name] === 'number' ? [[name, keywords[name]] as const] : [])),
  );
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
