import { CredenceError } from '@credence/core';

/** Limits on the JSON schemas of an MCP server, and on the work of a validation with them. */
export interface SchemaLimits {
  /** The size of a schema as JSON, in UTF-16 code units. Default: 262,144. */
  size?: number;
  /** How deeply the objects and lists of a schema are nested. Default: 64. */
  depth?: number;
  /** How many schemas a schema contains. Default: 5,000. */
  subschemas?: number;
  /** How many regular expressions a schema contains. Default: 100. */
  patterns?: number;
  /** The length of a regular expression, in UTF-16 code units. Default: 1,000. */
  patternLength?: number;
  /**
   * The work to read a schema, and to read all output schemas of one list of tools together. A unit is about 0.1 microseconds. Default:
   * 500,000.
   */
  reading?: number;
  /**
   * The work of one validation, and to compile the regular expressions for it. Default: 2,000,000. Reading a schema and validating a value
   * with it take less than half a second together, beside one pass over the names of the members of each object.
   */
  work?: number;
}

const DEFAULTS: Readonly<Required<SchemaLimits>> = {
  size: 262_144,
  depth: 64,
  subschemas: 5_000,
  patterns: 100,
  patternLength: 1_000,
  reading: 500_000,
  work: 2_000_000,
};

/** The limits with defaults. Throws `invalid_configuration` for an unknown limit, and for one that is not a positive integer. */
export function schemaLimits(limits: SchemaLimits = {}): Readonly<Required<SchemaLimits>> {
  const complete = { ...DEFAULTS };
  for (const [name, value] of Object.entries(limits)) {
    if (!isLimit(name)) throw invalid(`has no limit "${name}"`);
    if (value === undefined) continue;
    if (!Number.isSafeInteger(value) || value < 1)
      throw invalid(`has a limit "${name}" that is not a positive integer`);
    complete[name] = value;
  }
  return complete;
}

function isLimit(name: string): name is keyof SchemaLimits {
  return Object.hasOwn(DEFAULTS, name);
}

function invalid(fault: string): CredenceError {
  return new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `The option limits of safeSchemaValidator ${fault}.`,
    remedy: `The limits are ${Object.keys(DEFAULTS).join(', ')}; each is a positive integer.`,
    contact: 'you',
  });
}
