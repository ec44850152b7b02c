import { cleanText } from '@credence/protocol';
import type { SchemaDocument } from './document.ts';
import { type SchemaLimits, schemaLimits } from './limits.ts';
import { sharedSchema } from './shared-schemas.ts';
import { TooMuchWork, UnusableSchema } from './unusable-schema.ts';

/** A schema with which results are not validated. */
export interface UnusableSchemaReport {
  /** Why the schema cannot be used, or why a value was not validated, as the end of a sentence that begins with the schema. */
  readonly reason: string;
  /**
   * `schema`: the schema is not used any more, and every value is valid. `value`: only one value was not validated, because it is too
   * large for the limit `work`.
   */
  readonly subject: 'schema' | 'value';
  /** The schema, as the server sent it. Compare it with the `outputSchema` of the tools to find the tool. */
  readonly schema: unknown;
}

/** Options of `safeSchemaValidator`. */
export interface SafeSchemaValidatorOptions {
  /** Limits on the schemas, and on the work of a validation. A schema beyond a limit is not used. */
  limits?: SchemaLimits;
  /**
   * Called once for a schema that is not used: when it is read, or when a validation with it is too much work. Called for each value that
   * is too large to be validated.
   */
  onUnusable?: (report: UnusableSchemaReport) => void;
}

/** The result of a validation, as both SDKs have it. */
export type SchemaValidatorResult<T> =
  { valid: true; data: T; errorMessage: undefined } | { valid: false; data: undefined; errorMessage: string };

/** The option `jsonSchemaValidator` of a `Client` of either SDK. */
export interface SafeSchemaValidator {
  /** Returns a function that validates values with a schema. Never throws. */
  getValidator<T>(schema: unknown): (input: unknown) => SchemaValidatorResult<T>;
}

/**
 * A validator for JSON schemas that strangers wrote, for the option `jsonSchemaValidator` of a `Client` of either SDK. `connectMcp`
 * uses it by default; pass it to a `Client` that you create yourself.
 *
 * No schema stalls the process: regular expressions are matched by an engine whose time is linear (re2js, loaded at the first
 * pattern), and the size of a schema and the work of a validation are limited. No code is generated, so it works where
 * `new Function` is forbidden. No `$ref` and no `$schema` is fetched. Each schema is read by itself: it cannot change another.
 *
 * It supports the drafts 2020-12 (default), 2019-09, 7 and 6. A schema that cannot be used is reported to `onUnusable`, and every value
 * is valid for it. This is so for a schema that is malformed, beyond a limit, of another draft, that refers to something outside itself, or
 * that has a pattern with a lookaround or a backreference. A value that is too large to be validated is valid, and is reported too. Throws `invalid_configuration` for an invalid limit.
 */
export function safeSchemaValidator(options: SafeSchemaValidatorOptions = {}): SafeSchemaValidator {
  const limits = schemaLimits(options.limits);
  const known = new WeakMap<object, Validate>();
  return {
    getValidator<T>(schema: unknown): (input: unknown) => SchemaValidatorResult<T> {
      // SDK v2 reads the schema of a tool definition that the caller passes with a call again for each call.
      const key = typeof schema === 'object' && schema !== null ? schema : {};
      const validate = known.get(key) ?? validation(schema, limits, options.onUnusable);
      known.set(key, validate);
      return (input) => {
        const fault = validate(input);
        if (fault === undefined) return { valid: true, data: input as T, errorMessage: undefined };
        return { valid: false, data: undefined, errorMessage: cleanText(fault) };
      };
    },
  };
}

/** Returns the first fault of a value, or undefined for a valid value and if the schema cannot be used. */
type Validate = (value: unknown) => string | undefined;

function validation(
  schema: unknown,
  limits: Readonly<Required<SchemaLimits>>,
  onUnusable: SafeSchemaValidatorOptions['onUnusable'],
): Validate {
  let document: SchemaDocument | undefined;
  const orGiveUp = <T>(use: () => T): T | undefined => {
    try {
      return use();
    } catch (error) {
      // The next value may be smaller.
      const isValue = document !== undefined && error instanceof TooMuchWork;
      if (!isValue) document = undefined;
      report(error, schema, isValue, onUnusable);
      return undefined;
    }
  };
  document = orGiveUp(() => sharedSchema(schema, limits));
  return (value) => orGiveUp(() => document?.faultOf(value));
}

function report(
  error: unknown,
  schema: unknown,
  isValue: boolean,
  onUnusable: SafeSchemaValidatorOptions['onUnusable'],
): void {
  try {
    const subject = isValue ? 'value' : 'schema';
    onUnusable?.({ reason: reasonOf(error), subject, schema });
  } catch {
    // An error of the caller's function must not make a list of tools or a call fail.
  }
}

/** Other errors than UnusableSchema are errors of the JavaScript engine, such as an exhausted stack. */
export function reasonOf(error: unknown): string {
  return error instanceof UnusableSchema ? error.message : 'it cannot be evaluated';
}
