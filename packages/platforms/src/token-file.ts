import { access } from 'node:fs/promises';
import { cleanText } from '@credence/protocol';
import { readRegularFile, UnsuitableFileError } from '@credence/protocol/files';
import { incomplete, tokenUnavailable } from './errors.ts';
import type { Platform } from './platform.ts';

/** Options of `tokenFile`. */
export interface TokenFileOptions {
  /** The path of the file. */
  file: string;
}

/**
 * A file that contains a JWT and that another program replaces, such as a sidecar or an agent of a vault. Its audience is the one
 * that the other program requested. Throws `invalid_configuration` for a missing path.
 */
export function tokenFile({ file }: TokenFileOptions): Platform {
  if (typeof file !== 'string' || file.trim() === '') {
    throw incomplete(
      'tokenFile',
      'the path is missing.',
      'Set tokenFile({ file }) to the path of the file with the JWT.',
    );
  }
  return fileSource({
    platform: 'tokenFile',
    file,
    claims: { iss: 'the issuer of the JWT in the file', sub: 'the subject of the JWT in the file' },
  });
}

/** A platform that writes its tokens to a file. The file is opened for each token, because a symbolic link in its path may change. */
export function fileSource({
  platform,
  file,
  claims,
}: Pick<Platform, 'platform' | 'claims'> & { file: string }): Platform {
  const path = JSON.stringify(cleanText(file, { max: 300 }));
  return {
    platform,
    audience: 'fixed',
    renewable: true,
    local: true,
    claims,
    async getToken() {
      try {
        // #region read
        const text = (await readRegularFile(file)).toString('utf8');
        // #endregion
        return text.trim();
      } catch (error) {
        const unsuitable = error instanceof UnsuitableFileError ? error : undefined;
        const code =
          error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
        throw tokenUnavailable(
          platform,
          `the file ${path} cannot be read: ${unsuitable?.message ?? code ?? 'unknown error'}.`,
          unsuitable?.remedy ?? `Check that the file exists and that the bot's user may read it: ls -lL ${path}`,
          { causeCode: code },
        );
      }
    },
    async detect() {
      try {
        await access(file);
        return { here: true };
      } catch {
        return { here: false, why: `The file ${path} does not exist.` };
      }
    },
  };
}
