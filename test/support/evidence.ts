import { inspect } from 'node:util';
import { type CredenceError, isCredenceError } from '@credence/core';

/** The CredenceError that an action throws. Throws if the action succeeds or throws another error. */
export async function refusalOf(action: Promise<unknown> | (() => unknown)): Promise<CredenceError> {
  let value: unknown;
  try {
    value = await (typeof action === 'function' ? action() : action);
  } catch (error) {
    if (isCredenceError(error)) return error;
    throw error;
  }
  throw new Error(`expected a refusal, got ${inspect(value)}`);
}

/** All texts that logging or inspecting these values can produce: `inspect`, JSON, `String` and the stack of an error. */
export function everythingShownBy(...things: readonly unknown[]): string {
  return things
    .map((thing) => {
      const stack = thing instanceof Error ? thing.stack : '';
      return [inspect(thing, { depth: 12, showHidden: true }), JSON.stringify(thing), String(thing), stack].join('\n');
    })
    .join('\n');
}
