import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

/** The folder of the tables. */
export const REQUIREMENTS = import.meta.dirname;

export const ROLES = ['client', 'idp', 'authorization-server', 'resource-server'] as const;
const LEVELS = [
  'MUST',
  'MUST NOT',
  'REQUIRED',
  'SHOULD',
  'SHOULD NOT',
  'RECOMMENDED',
  'NOT RECOMMENDED',
  'MAY',
  'OPTIONAL',
] as const;

/** The kinds of exclusion. The text of `excluded` begins with one of them. */
export const EXCLUSIONS = ['not implemented yet', 'no test yet', 'out of scope', 'nothing to check'] as const;
export type Exclusion = (typeof EXCLUSIONS)[number];

const text = z.string().trim().min(1);
const role = z.enum(ROLES);

/** The full title of a test. `*` matches any text. The rest must be long enough to identify the tests. */
const title = text.refine((value) => value.replaceAll(/[*\s]/gu, '').length >= 8, {
  error: 'a title needs at least 8 characters beside "*"',
});

const excluded = text.refine((value) => exclusionOf(value) !== undefined, {
  error: `a reason begins with ${EXCLUSIONS.map((kind) => `"${kind}: "`).join(', ')}`,
});

const rowSchema = z
  .strictObject({
    id: z.string().regex(/^[A-Z0-9]+(?:-[A-Z0-9]+)*-\d+[a-z]?$/u, { error: 'an id looks like J-28 or J-28a' }),
    role: z.union([role, z.array(role).min(2)]),
    level: z.enum(LEVELS),
    section: z.union([text, z.number()]).transform(String),
    requirement: text,
    tests: z
      .array(
        z.strictObject({
          file: z.string().regex(/\.test\.ts$/u, { error: 'a file of tests ends in .test.ts' }),
          titles: z.array(title).min(1),
        }),
      )
      .min(1)
      .optional(),
    excluded: excluded.optional(),
  })
  .refine((row) => (row.tests === undefined) !== (row.excluded === undefined), {
    error: 'a row has either tests or excluded',
  });

const documentSchema = z.strictObject({
  document: text,
  revision: text,
  url: z.url(),
  note: text.optional(),
  requirements: z.array(rowSchema).min(1),
});

export type Requirement = z.infer<typeof rowSchema>;
/** The requirements of one specification, and the name of their yaml file. */
export type RequirementsDocument = z.infer<typeof documentSchema> & { readonly source: string };

/** The kind at the start of the text of `excluded`. */
export function exclusionOf(reason: string): Exclusion | undefined {
  return EXCLUSIONS.find((kind) => reason.startsWith(`${kind}: `));
}

/** Reads one table. Throws an Error that names the file, the row and the problem. */
export function parseDocument(source: string, yaml: string): RequirementsDocument {
  const raw: unknown = parse(yaml);
  const result = documentSchema.safeParse(raw);
  if (result.success) return { ...result.data, source };
  const problems = result.error.issues.map(({ path, message }) => `${rowName(raw, path)}: ${message}`);
  throw new Error(`${source} is not a table of requirements:\n${problems.map((line) => `  ${line}`).join('\n')}`);
}

/** The path of a problem with the id of its row: `J-28 tests.0.file`, not `requirements.27.tests.0.file`. */
function rowName(raw: unknown, path: readonly PropertyKey[]): string {
  const [first, at, ...rest] = path;
  const rows = z.object({ requirements: z.array(z.object({ id: z.string() }).catch({ id: '' })) }).safeParse(raw);
  const id = first === 'requirements' && typeof at === 'number' ? rows.data?.requirements[at]?.id : undefined;
  if (id === undefined || id === '') return path.map(String).join('.');
  return [id, rest.map(String).join('.')].filter((part) => part !== '').join(' ');
}

/** The ids that more than one row uses, in all documents. */
export function duplicateIds(documents: readonly RequirementsDocument[]): string[] {
  const ids = documents.flatMap(({ requirements }) => requirements.map(({ id }) => id));
  return [...new Set(ids.filter((id, at) => ids.indexOf(id) !== at))];
}

/** Reads all tables in a folder. Throws if a table is invalid or an id is used twice. */
export function readDocuments(folder: string = REQUIREMENTS): RequirementsDocument[] {
  const documents = readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .toSorted()
    .map((name) => parseDocument(name, readFileSync(join(folder, name), 'utf8')));
  const duplicates = duplicateIds(documents);
  if (duplicates.length > 0) throw new Error(`These ids are used more than once: ${duplicates.join(', ')}`);
  return documents;
}
