import { isJsonObject, type JsonObject } from '@credence/protocol';

/**
 * Whether a call may be sent again when it is not certain that it did not run. False for a tool whose annotations say that a second
 * call has a second effect, or that the tool destroys something. Most tools have no annotations, and theirs are advice.
 */
export function mayBeRepeated(definition: JsonObject | undefined): boolean {
  const annotations = definition?.['annotations'];
  if (!isJsonObject(annotations) || annotations['readOnlyHint'] === true || annotations['idempotentHint'] === true) {
    return true;
  }
  return annotations['idempotentHint'] !== false && annotations['destructiveHint'] !== true;
}
