import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { nonEmpty, unavailable } from './checks.ts';

/** A secret that is replaced while the bot runs: a file read before each request, or a callback asked before each. */
type Rotating = { readonly file: string } | (() => string | Promise<string>);

/** A file as {@link Rotating} has it, and not a JWK or a key object. */
export function isFile(value: unknown): value is { readonly file: string } {
  return typeof value === 'object' && value !== null && 'file' in value && typeof value.file === 'string';
}

/** What it is now. Throws `credential_unavailable` that names the option. */
export async function current(source: Rotating, option: string): Promise<string> {
  try {
    const text = typeof source === 'function' ? await source() : await readFile(source.file, 'utf8');
    return nonEmpty(text, option).trim();
  } catch (cause) {
    throw unavailable(option, cause);
  }
}

/** The same, while the principal is being made: what is wrong with a file is said at once. */
export function currentFile({ file }: { readonly file: string }, option: string): string {
  try {
    return nonEmpty(readFileSync(nonEmpty(file, option), 'utf8'), option).trim();
  } catch (cause) {
    throw unavailable(option, cause);
  }
}
