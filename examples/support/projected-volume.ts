import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A projected volume as the kubelet keeps it: it writes each token to a new folder, and then swaps the symbolic link `..data`. */
export async function projectedVolume(name: string) {
  const folder = await mkdtemp(join(tmpdir(), 'tokens-'));
  let version = 0;
  await symlink(join('..data', name), join(folder, name));
  return {
    file: join(folder, name),
    async write(token: string) {
      version += 1;
      const next = `..version_${version}`;
      await mkdir(join(folder, next));
      await writeFile(join(folder, next, name), token);
      await symlink(next, join(folder, '..data_tmp'));
      await rename(join(folder, '..data_tmp'), join(folder, '..data'));
    },
    remove: () => rm(folder, { recursive: true }),
  };
}
