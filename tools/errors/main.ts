/** Writes docs/errors.md. Run it with `npm run docs:errors`. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { errorPage } from './page.ts';

const PAGE = fileURLToPath(new URL('../../docs/errors.md', import.meta.url));

await writeFile(PAGE, await errorPage(PAGE));
