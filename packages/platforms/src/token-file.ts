import { access, constants } from 'node:fs/promises';
import { cleanText } from '@credence/protocol';
import { readRegularFile, UnsuitableFileError } from '@credence/protocol/files';
import { z } from 'zod';
import { incomplete, tokenUnavailable } from './errors.ts';
import { jwtFrom } from './jwt.ts';
import { checkOptions, text } from './options.ts';
import type { Platform } from './platform.ts';

/** Options of `tokenFile`. */
export interface TokenFileOptions {
  /** The path of the file. */
  file: string;
}

const schema = z.strictObject({ file: text });

/**
 * A file that contains a JWT and that another program replaces, such as a sidecar or an agent of a vault. Its audience is the one
 * that the other program requested. Throws `invalid_configuration` for a missing path.
 *
 * @example
 * <!-- from examples/token-sources.ts#file -->
 * ```ts
 * const fromFile = tokenFile({ file: path }); // another program replaces it
 * ```
 */
export function tokenFile(options: TokenFileOptions): Platform {
  checkOptions('tokenFile', schema, options);
  return fileSource({
    platform: 'tokenFile',
    file: options.file,
    claims: { iss: 'the issuer of the JWT in the file', sub: 'the subject of the JWT in the file' },
  });
}

/**
 * A platform that writes its tokens to a file. The file is opened for each token, because a symbolic link in its path may change.
 * `absent` is added to the sentence that says that the file does not exist.
 */
export function fileSource({
  platform,
  file,
  claims,
  absent = '',
}: Pick<Platform, 'platform' | 'claims'> & { file: string; absent?: string }): Platform {
  const path = JSON.stringify(cleanText(file, { max: 300 }));
  return {
    platform,
    audience: 'fixed',
    renewable: true,
    local: true,
    claims,
    async getToken() {
      const content = await read(platform, file, path);
      return jwtFrom(content, {
        platform,
        from: `the file ${path}`,
        remedy: 'Check the program that writes the file: it should write another file and rename it.',
      });
    },
    async detect() {
      try {
        await access(file, constants.R_OK);
        return { here: true };
      } catch (error) {
        const code = codeOf(error);
        if (code === 'ENOENT' || code === 'ENOTDIR') {
          return { here: false, why: `The file ${path} does not exist.${absent}` };
        }
        throw incomplete(
          platform,
          `the file ${path} exists and cannot be read (${code ?? 'unknown error'}).`,
          `Check that the bot's user may read it: ls -lL ${path}`,
        );
      }
    },
  };
}

async function read(platform: string, file: string, path: string): Promise<string> {
  try {
    // #region read
    const text = (await readRegularFile(file)).toString('utf8');
    // #endregion
    return text;
  } catch (error) {
    const unsuitable = error instanceof UnsuitableFileError ? error : undefined;
    const code = codeOf(error);
    throw tokenUnavailable(
      platform,
      `the file ${path} cannot be read: ${unsuitable?.message ?? code ?? 'unknown error'}.`,
      unsuitable?.remedy ?? `Check that the file exists and that the bot's user may read it: ls -lL ${path}`,
      { causeCode: code },
    );
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
