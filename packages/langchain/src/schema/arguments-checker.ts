import type { JsonObject } from '@credence/protocol';
import { safeSchemaValidator } from '@credence/sdk-adapter';

/**
 * Returns a function that returns what is wrong with arguments, or undefined. It validates them with the schema of the server. If that
 * cannot be used, for example because a reference leads nowhere, it uses `cleaned`, in which such parts are left out.
 */
export function argumentsChecker(original: JsonObject, cleaned: JsonObject): (args: unknown) => string | undefined {
  let isUsable = true;
  const unusable = ({ subject }: { readonly subject: 'schema' | 'value' }) => {
    if (subject === 'schema') isUsable = false;
  };
  const withOriginal = safeSchemaValidator({ onUnusable: unusable }).getValidator(original);
  const { $schema: _dialect, ...others } = cleaned;
  // Read when it is needed: most schemas can be used.
  let withCleaned: typeof withOriginal | undefined;
  return (args) => {
    const { valid, errorMessage } = withOriginal(args);
    if (isUsable) return valid ? undefined : errorMessage;
    withCleaned ??= safeSchemaValidator().getValidator(others);
    return withCleaned(args).errorMessage;
  };
}
