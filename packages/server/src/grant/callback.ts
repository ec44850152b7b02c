import { cleanText } from '@credence/core';
import { GrantRefusal, serverFailure } from './refusal.ts';

/**
 * Calls a callback of the options. What it throws becomes a failure of the server that names the callback; a GrantRefusal
 * stays what it is.
 */
export async function calling<T>(name: string, callback: () => T | Promise<T>): Promise<T> {
  try {
    return await callback();
  } catch (error) {
    if (error instanceof GrantRefusal) throw error;
    // Its message may hold anything; its name cannot.
    const kind = error instanceof Error ? cleanText(error.name) : 'not an Error';
    throw serverFailure(`${name} failed: ${kind}`, error);
  }
}
