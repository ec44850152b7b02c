import type { JsonObject } from '@credence/protocol';
import { safeSchemaValidator } from '@credence/sdk-adapter';
import { modelSchema } from './model-schema.ts';

/** The schemas of servers that cannot be used. */
const unusable = new WeakSet<object>();

/** One for all tools: it remembers nothing but the objects of the schemas, and those weakly. */
const validator = safeSchemaValidator({
  onUnusable({ schema, subject }) {
    if (subject === 'schema' && typeof schema === 'object' && schema !== null) unusable.add(schema);
  },
});

/**
 * Returns a function that returns what is wrong with arguments, or undefined. It validates them with the schema of the server. If that
 * cannot be used, for example because a reference leads nowhere, it uses the schema for the model, in which such parts are left out.
 */
export function argumentsChecker(original: JsonObject): (args: unknown) => string | undefined {
  const withOriginal = validator.getValidator(original);
  // Read when it is needed: most schemas can be used.
  let withCleaned: typeof withOriginal | undefined;
  return (args) => {
    const { valid, errorMessage } = withOriginal(args);
    if (!unusable.has(original)) return valid ? undefined : errorMessage;
    withCleaned ??= validator.getValidator(cleaned(original));
    return withCleaned(args).errorMessage;
  };
}

function cleaned(original: JsonObject): JsonObject {
  const { $schema: _dialect, ...others } = modelSchema(original).schema;
  return others;
}
