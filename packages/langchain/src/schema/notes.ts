import { isJsonObject, type JsonObject } from '@credence/protocol';

/** The maximum length of a value in a description, in UTF-16 code units. */
const MAX_VALUE = 200;

/** Sentences about the constraints of a schema that some provider does not accept as keywords. */
export function notesOn(keywords: JsonObject): readonly string[] {
  const { format, uniqueItems, additionalProperties } = keywords;
  const values = 'const' in keywords ? [keywords['const']] : Array.isArray(keywords['enum']) ? keywords['enum'] : [];
  const isPlainEnum = values.every((value) => typeof value === 'string' && value !== '');
  const notes = [
    typeof format === 'string' && format !== 'date-time' ? `Format: ${format}.` : undefined,
    values.length > 0 && !isPlainEnum ? oneOf(values) : undefined,
    sentence('Greater than', keywords['exclusiveMinimum']),
    sentence('Less than', keywords['exclusiveMaximum']),
    sentence('A multiple of', keywords['multipleOf']),
    'default' in keywords ? sentence('Default:', keywords['default']) : undefined,
    uniqueItems === true ? 'No value twice.' : undefined,
    isJsonObject(additionalProperties) ? otherNames(additionalProperties) : undefined,
  ];
  return notes.filter((note) => note !== undefined);
}

function oneOf(values: readonly unknown[]): string | undefined {
  const texts = values.map((value) => JSON.stringify(value));
  const text = texts.join(', ');
  if (text.length > MAX_VALUE * 5) return undefined;
  return values.length === 1 ? `Always ${text}.` : `One of: ${text}.`;
}

function sentence(words: string, value: unknown): string | undefined {
  if (value === undefined || (words !== 'Default:' && typeof value !== 'number')) return undefined;
  const text = JSON.stringify(value);
  return text.length > MAX_VALUE ? undefined : `${words} ${text}.`;
}

/** A schema for the values of parameters with any name. */
function otherNames({ type }: JsonObject): string {
  return typeof type === 'string' ? `Any other names, with values of type ${type}.` : 'Any other names.';
}
