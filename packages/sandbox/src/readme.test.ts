import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, jest } from '@jest/globals';
import { readmeExample } from './testing/readme-example.ts';

const read = (path: string) => readFile(fileURLToPath(new URL(path, import.meta.url)), 'utf8');

// oxlint-disable-next-line no-console -- the example prints
const quietly = () => jest.spyOn(console, 'log').mockImplementation(() => undefined);

describe('the example of the README', () => {
  it('runs', async () => {
    quietly();
    await expect(readmeExample()).resolves.toMatchObject({
      error: 'access_denied',
      reason: 'Access to documents is paused. Ask the IdP administrator when it resumes.',
    });
  });

  it('is the code that runs', async () => {
    const source = await read('testing/readme-example.ts');
    const region = /\/\/ #region readme\n([\s\S]*?)\n *\/\/ #endregion/u.exec(source)?.[1] ?? '';
    const code = region.replaceAll(/^ {2}/gmu, '');
    expect(code).not.toBe('');
    expect(await read('../README.md')).toContain(code);
  });
});
