import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';

/** A key with a chain of certificates has some kilobytes. */
const MAX_BYTES = 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;

/** Undefined on Windows. */
const NONBLOCK: number | undefined = constants.O_NONBLOCK;
/** Without O_NONBLOCK, the opening of a named pipe waits for a writer. It has no effect on regular files. */
const FLAGS = constants.O_RDONLY | (NONBLOCK ?? 0);

/** A file that is not read: it is no regular file, or it is too large. */
export class UnsuitableFileError extends Error {
  /** Always `UnsuitableFileError`. */
  override readonly name = 'UnsuitableFileError';
  /** What to do, in one sentence. */
  readonly remedy: string;

  constructor(why: string, remedy: string) {
    super(why);
    this.remedy = remedy;
  }
}

/**
 * Reads a file of at most 1 MiB, each time it is called. Throws UnsuitableFileError or the error of the system.
 *
 * @example
 * <!-- from packages/platforms/src/token-file.ts#read -->
 * ```ts
 * const text = (await readRegularFile(file)).toString('utf8');
 * ```
 */
export async function readRegularFile(path: string): Promise<Buffer> {
  const file = await open(path, FLAGS);
  try {
    checkKind(await file.stat());
    const chunks = boundedChunks();
    for (;;) {
      const chunk = Buffer.alloc(CHUNK_BYTES);
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES);
      if (bytesRead === 0) return chunks.all();
      chunks.add(chunk.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

/** The same, for a constructor. */
export function readRegularFileSync(path: string): Buffer {
  const file = openSync(path, FLAGS);
  try {
    checkKind(fstatSync(file));
    const chunks = boundedChunks();
    for (;;) {
      const chunk = Buffer.alloc(CHUNK_BYTES);
      const bytesRead = readSync(file, chunk, 0, CHUNK_BYTES, null);
      if (bytesRead === 0) return chunks.all();
      chunks.add(chunk.subarray(0, bytesRead));
    }
  } finally {
    closeSync(file);
  }
}

/** The size in the file's status is not used: it is 0 in some file systems, and the file may grow. */
function boundedChunks(): { add: (chunk: Buffer) => void; all: () => Buffer } {
  const chunks: Buffer[] = [];
  let length = 0;
  return {
    add(chunk) {
      length += chunk.length;
      if (length > MAX_BYTES) {
        throw new UnsuitableFileError('it is larger than 1 MiB', 'Check that the path is that of the key or secret.');
      }
      chunks.push(chunk);
    },
    all: () => Buffer.concat(chunks),
  };
}

/** The reading of a directory fails with EISDIR. */
function checkKind(stats: Stats): void {
  if (stats.isFile() || stats.isDirectory()) return;
  const kind = stats.isFIFO() ? 'a pipe' : 'a device or a socket';
  throw new UnsuitableFileError(
    `it is ${kind} and not a regular file`,
    'Write the key or secret to a regular file, which is read before each request, or give it as text or by a callback.',
  );
}
