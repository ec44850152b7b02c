import { CredenceError, isCredenceError } from '../errors/credence-error.ts';
import { nonEmpty, quotedPath, unavailable } from './checks.ts';
import type { CredentialWarning } from './credential.ts';
import { readRegularFile, readRegularFileSync } from '@credence/protocol/files';

/** A secret that may be replaced while the bot runs: a file that is read, or a callback that is called, before each request. */
type Rotating = { readonly file: string } | (() => string | Promise<string>);

/** Makes the text of the bytes of a file. */
type Decode = (bytes: Buffer) => string;
const asUtf8: Decode = (bytes) => bytes.toString('utf8');

/** Whether `value` is the file form of {@link Rotating}, and not a JWK or a key object. */
export function isFile(value: unknown): value is { readonly file: string } {
  return typeof value === 'object' && value !== null && 'file' in value && typeof value.file === 'string';
}

/**
 * Reads the secret from the file or the callback. Throws `credential_unavailable`; the message contains `option` and the path of
 * the file.
 */
export async function readSecret(source: Rotating, option: string, decode: Decode = asUtf8): Promise<string> {
  try {
    const text = typeof source === 'function' ? await source() : decode(await readRegularFile(source.file));
    return nonEmpty(text, option).trim();
  } catch (cause) {
    throw unavailable(option, cause, typeof source === 'function' ? undefined : source.file);
  }
}

/** Reads the secret from the file synchronously, so that a constructor can throw for a file that cannot be read. */
export function readSecretFile({ file }: { readonly file: string }, option: string, decode: Decode = asUtf8): string {
  nonEmpty(file, option);
  try {
    return nonEmpty(decode(readRegularFileSync(file)), option).trim();
  } catch (cause) {
    throw unavailable(option, cause, file);
  }
}

/** A value that is read from a file, and read again when the file changes. */
export interface RotatingFile<T> {
  /**
   * Reads the file and returns its value. If the file cannot be read or has no usable value, for example while it is written, the
   * last good value is returned and `warn` is called. Throws if there is no good value yet, or if `isUsable` is false for it.
   */
  current(warn: ((warning: CredentialWarning) => void) | undefined, isUsable?: (value: T) => boolean): Promise<T>;
  /** Reads the file and returns the text of the value that is used. Throws if there is no good value yet. */
  text(): Promise<string>;
}

/**
 * A value that `parse` makes of the text of a file. `parse` throws a CredenceError for a text without a usable value, and gets the
 * last good value. With `initial`, the text that the caller has read, the first value is parsed at once. `decode` makes the text of the
 * bytes of the file; by default they are UTF-8.
 */
export function rotatingFile<T>(
  source: { readonly file: string },
  option: string,
  parse: (text: string, last: T | undefined) => T,
  initial?: string,
  decode?: Decode,
): RotatingFile<T> {
  let good: { readonly text: string; readonly value: T } | undefined;
  /** The last text without a usable value. It is not parsed again. */
  let bad: { readonly text: string; readonly error: CredenceError } | undefined;

  /** Parses the text if it has changed. */
  const take = (text: string): Taken<T> => {
    if (good?.text === text) return good;
    if (bad?.text === text) return { problem: bad.error };
    try {
      good = { text, value: parse(text, good?.value) };
      return good;
    } catch (error) {
      if (!isCredenceError(error)) throw error;
      bad = { text, error: inFile(source.file, error) };
      return { problem: bad.error };
    }
  };

  const read = async (): Promise<Taken<T>> => {
    try {
      return take(await readSecret(source, option, decode));
    } catch (error) {
      if (isCredenceError(error)) return { problem: error };
      throw error;
    }
  };

  const first = initial === undefined ? undefined : take(initial);
  if (first && 'problem' in first) throw first.problem;
  return {
    async current(warn, isUsable) {
      const taken = await read();
      if ('value' in taken) return taken.value;
      const { problem } = taken;
      if (good === undefined || isUsable?.(good.value) === false) throw problem;
      warn?.({
        message: `${problem.message} The last good value is still used.`,
        remedy: `${problem.remedy} The new value is used as soon as the file is complete.`,
      });
      return good.value;
    },
    async text() {
      const taken = await read();
      if ('text' in taken) return taken.text;
      if (good === undefined) throw taken.problem;
      return good.text;
    },
  };
}

/** What a text of the file contains. */
type Taken<T> = { readonly text: string; readonly value: T } | { readonly problem: CredenceError };

/** The error with the path of the file in front. */
function inFile(file: string, error: CredenceError): CredenceError {
  const { name: _name, ...members } = error.toJSON();
  return new CredenceError({ ...members, message: `${quotedPath(file)}: ${error.message}`, cause: error.cause });
}
