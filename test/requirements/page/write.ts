import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readDocuments } from '../rows.ts';
import { conformancePage } from './page.ts';

// Writes docs/conformance.md from the tables. Run it with `npm run conformance:page`.
const root = join(import.meta.dirname, '../../..');
const options: unknown = JSON.parse(readFileSync(join(root, '.prettierrc.json'), 'utf8'));
const page = await conformancePage(readDocuments(), Object(options));
writeFileSync(join(root, 'docs/conformance.md'), page);
