import { cleanLines, cleanText, isJsonObject, type JsonObject, stringList } from '@credence/protocol';
import { isSimplePattern } from './simple-pattern.ts';

/** The maximum length of one text of a schema (a description, a default, a name of a parameter), in UTF-16 code units. */
const MAX_TEXT = 2_000;
/** The maximum length of all texts, patterns and references of a schema together. */
const MAX_TEXTS = 200_000;
/** The maximum number of values in a schema, also after its references are replaced by what they refer to. */
const MAX_VALUES = 10_000;
const MAX_DEPTH = 64;
/** The Unicode properties in all patterns of a schema. RegExp needs about 50 microseconds to read one. */
const MAX_PROPERTIES = 100;

/** The schema of a tool that cannot be given to a model. The message is ours and has no text of the server. */
export class UnusableSchemaError extends Error {
  override readonly name = 'UnusableSchemaError';
}

/**
 * Returns a copy of an input schema that is safe to give to a model, and with which LangChain can validate the arguments of the model.
 *
 * - Titles and descriptions have no control and invisible characters and a limited length.
 * - Parameters and values (`enum`, `const`, `default`, `examples`) that contain such characters, or are too long, are left out. They
 *   are not changed, because the server would not know the changed ones.
 * - A pattern that a backtracking engine may need very long for becomes a sentence of the description. The server checks it.
 * - A reference to something that is not in the schema is left out.
 *
 * `values` is the size of the schema after its references are replaced. Throws an {@link UnusableSchemaError} for a schema that is too large, too deep, or becomes too large when its references are
 * replaced.
 */
export function modelSchema(schema: JsonObject): { readonly schema: JsonObject; readonly values: number } {
  const clean = new SchemaCleaner(schema).schema(schema, 0);
  return { schema: clean, values: expandedValues(clean) };
}

/** Keywords whose value is a schema, a list of schemas, or either. */
const SUBSCHEMAS: ReadonlySet<string> = new Set([
  'items',
  'prefixItems',
  'additionalItems',
  'contains',
  'additionalProperties',
  'unevaluatedProperties',
  'unevaluatedItems',
  'propertyNames',
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'if',
  'then',
  'else',
]);
/** Keywords whose value is an object of schemas, by a name that the server chose. */
const NAMED_SUBSCHEMAS: ReadonlySet<string> = new Set(['properties', '$defs', 'definitions', 'dependentSchemas']);
/** Keywords whose value is text for people. */
const TEXTS: ReadonlySet<string> = new Set(['title', 'description']);

class SchemaCleaner {
  readonly #root: JsonObject;
  #values = 0;
  #texts = 0;
  #properties = 0;

  constructor(root: JsonObject) {
    this.#root = root;
  }

  schema(schema: JsonObject, depth: number): JsonObject {
    this.#count(depth);
    const clean: Record<string, unknown> = {};
    const notes: string[] = [];
    for (const [keyword, value] of Object.entries(schema)) {
      if (TEXTS.has(keyword)) {
        if (typeof value === 'string') clean[keyword] = this.#counted(cleanLines(value, { max: MAX_TEXT }));
      } else if (SUBSCHEMAS.has(keyword)) {
        clean[keyword] = this.#schemas(value, depth + 1);
      } else if (NAMED_SUBSCHEMAS.has(keyword)) {
        if (isJsonObject(value)) clean[keyword] = this.#named(value, depth + 1);
      } else if (keyword === 'pattern') {
        if (typeof value === 'string') this.#pattern(value, clean, notes);
      } else if (keyword === '$ref') {
        if (typeof value === 'string' && this.#resolves(this.#counted(value))) clean[keyword] = value;
      } else if (keyword === 'enum') {
        const values = Array.isArray(value) ? value.filter((entry) => this.#isShowable(entry, depth + 1)) : [];
        if (values.length > 0) clean[keyword] = values;
      } else if (keyword === 'required') {
        clean[keyword] = stringList(value)?.filter((name) => isShowableName(this.#counted(name))) ?? [];
      } else if (keyword !== 'patternProperties' && isShowableName(keyword) && this.#isShowable(value, depth + 1)) {
        clean[keyword] = value;
      }
    }
    if (notes.length > 0) {
      clean['description'] = [clean['description'], ...notes].filter(Boolean).join('\n');
    }
    return clean;
  }

  #schemas(value: unknown, depth: number): unknown {
    if (Array.isArray(value)) return value.map((entry) => this.#schemas(entry, depth + 1));
    if (isJsonObject(value)) return this.schema(value, depth);
    this.#count(depth);
    return typeof value === 'boolean' ? value : {};
  }

  #named(schemas: JsonObject, depth: number): JsonObject {
    this.#count(depth);
    return Object.fromEntries(
      Object.entries(schemas)
        .filter(([name]) => isShowableName(name) && name !== '__proto__')
        .map(([name, schema]) => [this.#counted(name), this.#schemas(schema, depth + 1)]),
    );
  }

  #pattern(pattern: string, clean: Record<string, unknown>, notes: string[]): void {
    if (!isShowableText(this.#counted(pattern))) return;
    this.#properties += pattern.match(/\\p\{/giu)?.length ?? 0;
    if (this.#properties <= MAX_PROPERTIES && isSimplePattern(pattern)) clean['pattern'] = pattern;
    else notes.push(`Must match the regular expression ${cleanText(pattern, { max: 200 })}`);
  }

  /** Whether a value has no text that cannot be shown. Counts the values inside it. */
  #isShowable(value: unknown, depth: number): boolean {
    this.#count(depth);
    if (typeof value === 'string') return isShowableText(this.#counted(value));
    if (typeof value !== 'object' || value === null) return true;
    return Object.entries(value).every(
      ([name, entry]) => isShowableName(this.#counted(name)) && this.#isShowable(entry, depth + 1),
    );
  }

  /** Whether a reference is a JSON pointer (RFC 6901) to something in this schema. */
  #resolves(reference: string): boolean {
    if (reference === '#') return true;
    if (!reference.startsWith('#/') || !isShowableText(reference)) return false;
    let target: unknown = this.#root;
    for (const part of reference.slice(2).split('/')) {
      const name = decoded(part).replaceAll('~1', '/').replaceAll('~0', '~');
      if (typeof target !== 'object' || target === null || !Object.hasOwn(target, name)) return false;
      target = (target as Readonly<Record<string, unknown>>)[name];
    }
    return typeof target === 'object' && target !== null;
  }

  #counted(text: string): string {
    this.#texts += text.length;
    if (this.#texts > MAX_TEXTS) throw new UnusableSchemaError(`has texts of more than ${MAX_TEXTS} characters`);
    return text;
  }

  #count(depth: number): void {
    this.#values += 1;
    if (this.#values > MAX_VALUES) throw new UnusableSchemaError(`has more than ${MAX_VALUES} values`);
    if (depth > MAX_DEPTH) throw new UnusableSchemaError(`is nested more than ${MAX_DEPTH} levels deep`);
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Whether a text is so simple that nothing in it is changed. Nearly all names are, and this check is fast. */
function isPlain(text: string): boolean {
  return /^[\w $./:-]{0,100}$/u.test(text) && !text.includes('eyJ');
}

/** Whether a text that must not be changed can be shown as it is. */
function isShowableText(text: string): boolean {
  if (isPlain(text)) return true;
  // In quotes, because the ends of a text are trimmed.
  return text.length <= MAX_TEXT && cleanLines(`"${text}"`, { max: MAX_TEXT + 2 }) === `"${text}"`;
}

/** Like {@link isShowableText}, and the text has one line. */
function isShowableName(name: string): boolean {
  if (isPlain(name)) return true;
  return name.length <= MAX_TEXT && cleanText(`"${name}"`, { max: MAX_TEXT + 2 }) === `"${name}"`;
}

/**
 * The number of values after the references are replaced, as mcp-adapters does. A short schema can grow exponentially: each definition
 * refers to the next one twice. Throws an {@link UnusableSchemaError} for too many values.
 */
function expandedValues(schema: JsonObject): number {
  const definitions = schema['$defs'] ?? schema['definitions'];
  let values = 0;
  const visit = (value: unknown, expanding: readonly string[]): void => {
    values += 1;
    if (values > MAX_VALUES) {
      throw new UnusableSchemaError(`has more than ${MAX_VALUES} values when its references are replaced`);
    }
    if (typeof value !== 'object' || value === null) return;
    const name = isJsonObject(value) ? referenced(value['$ref']) : undefined;
    if (name !== undefined && !expanding.includes(name) && isJsonObject(definitions)) {
      if (expanding.length >= MAX_DEPTH) {
        throw new UnusableSchemaError(`has references that lead to each other more than ${MAX_DEPTH} times`);
      }
      visit(definitions[name], [...expanding, name]);
    }
    for (const [key, entry] of Object.entries(value)) {
      if (key !== '$defs' && key !== 'definitions') visit(entry, expanding);
    }
  };
  visit(schema, []);
  return values;
}

function referenced(reference: unknown): string | undefined {
  return typeof reference === 'string' ? /^#\/(?:\$defs|definitions)\/(.+)$/u.exec(reference)?.[1] : undefined;
}
