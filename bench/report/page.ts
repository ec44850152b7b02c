import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';

const PAGE = new URL('../../docs/performance.md', import.meta.url);
const BEGIN = '<!-- npm run bench -- --write: begin -->';
const END = '<!-- npm run bench -- --write: end -->';

/** Replaces the text between the two marks in docs/performance.md. */
export async function writePage(text: string): Promise<void> {
  const page = await readFile(PAGE, 'utf8');
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error('docs/performance.md has no marks to write between');
  const filepath = fileURLToPath(PAGE);
  const written = `${before}${BEGIN}\n\n${text}\n\n${END}${after}`;
  await writeFile(PAGE, await format(written, { ...(await resolveConfig(filepath)), filepath }));
}
