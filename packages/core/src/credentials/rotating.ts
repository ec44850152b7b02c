import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { nonEmpty, unavailable } from './checks.ts';

/** A secret that may be replaced while the bot runs: a file that is read, or a callback that is called, before each request. */
type Rotating = { readonly file: string } | (() => string | Promise<string>);

/** Whether `value` is the file form of {@link Rotating}, and not a JWK or a key object. */
export function isFile(value: unknown): value is { readonly file: string } {
  return typeof value === 'object' && value !== null && 'file' in value && typeof value.file === 'string';
}

/** Reads the secret from the file or the callback. Throws `credential_unavailable`; the message contains `option`. */
export async function readSecret(source: Rotating, option: string): Promise<string> {
  try {
    const text = typeof source === 'function' ? await source() : await readFile(source.file, 'utf8');
    return nonEmpty(text, option).trim();
  } catch (cause) {
    throw unavailable(option, cause);
  }
}

/** Reads the secret from the file synchronously, so that a constructor can throw for a file that cannot be read. */
export function readSecretFile({ file }: { readonly file: string }, option: string): string {
  try {
    return nonEmpty(readFileSync(nonEmpty(file, option), 'utf8'), option).trim();
  } catch (cause) {
    throw unavailable(option, cause);
  }
}
