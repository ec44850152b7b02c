import type { Dialect } from './dialect.ts';
import type { JsonMembers } from './json-value.ts';
import type { Pattern } from './patterns/patterns.ts';
import type { Node, Rule } from './run.ts';

/** A reference to a schema, which is known when the whole document is read. */
export interface Target {
  readonly node: Node;
}

/** The schema whose keywords are read, and what a keyword needs to read its value. */
export interface Site {
  readonly dialect: Dialect;
  /** The value of a keyword of the same schema. */
  keyword(name: string): unknown;
  /** Reads a schema in the value of a keyword. Throws UnusableSchema if it is not a schema. */
  schema(value: unknown): Node;
  /** The same for a list of schemas, which must not be empty. */
  schemas(value: unknown): readonly Node[];
  /** The same for an object whose members are schemas. */
  schemaMap(value: unknown): ReadonlyMap<string, Node>;
  /** The schema to which a reference refers. */
  reference(value: unknown): Target;
  /** Reads a regular expression. */
  pattern(value: string): Pattern;
  /** The keyword `unevaluatedProperties` or `unevaluatedItems` needs to know what other keywords have evaluated. */
  collect(): void;
}

/** Reads a keyword. Returns undefined if no value can be invalid. Throws UnusableSchema for a value that the keyword does not allow. */
export type Keyword = (value: unknown, site: Site) => Rule | undefined;

export type { JsonMembers, Node, Rule };
