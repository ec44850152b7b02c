import * as markdown from 'prettier/plugins/markdown';
import { format } from 'prettier/standalone';
import { type Exclusion, EXCLUSIONS, exclusionOf, type Requirement, type RequirementsDocument } from '../rows.ts';

const ROLE_NAMES = {
  client: 'client',
  idp: 'identity provider',
  'authorization-server': 'authorization server',
  'resource-server': 'resource server',
} as const satisfies Record<string, string>;

const INTRODUCTION = `# Conformance

<!-- Generated from test/requirements/*.yaml by \`npm run conformance:page\`. Do not edit by hand. -->

This page lists the requirements of each specification, in our own words, and the tests that check them. A run of all tests
fails when a test named here does not exist or does not pass. A requirement without a test has a reason:

- **not implemented yet**: Credence does not do this, or does it differently.
- **no test yet**: Credence does this, but no test checks it.
- **out of scope**: no part of Credence has this task, or it is the task of the operator.
- **nothing to check**: advice or a permission, without a behaviour that a test can check.

The roles: the client is the part that a bot uses (\`@credence/core\` and its adapters). The identity provider issues ID-JAGs, the
authorization server redeems them, and the resource server is the MCP server.`;

/** The text of docs/conformance.md, formatted by prettier with `prettierOptions`. */
export async function conformancePage(
  documents: readonly RequirementsDocument[],
  prettierOptions: object,
): Promise<string> {
  const inOrder = documents.toSorted((a, b) => rank(a) - rank(b));
  const page = [INTRODUCTION, summary(inOrder), ...inOrder.map(section)].join('\n\n');
  return format(page, { ...prettierOptions, parser: 'markdown', plugins: [markdown] });
}

/** Sorts the two main specifications first. The others keep their order. */
function rank({ source }: RequirementsDocument): number {
  const first = ['ema.yaml', 'id-jag.yaml'];
  return first.includes(source) ? first.indexOf(source) : first.length;
}

function summary(documents: readonly RequirementsDocument[]): string {
  const header = ['specification', 'checked by tests', ...EXCLUSIONS];
  const rows = documents.map(({ document, requirements }) => [
    `[${document}](#${anchor(document)})`,
    String(requirements.filter(({ tests }) => tests !== undefined).length),
    ...EXCLUSIONS.map((kind) => String(requirements.filter((row) => kindOf(row) === kind).length)),
  ]);
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

/** The anchor that GitHub generates for a heading. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/gu, '-');
}

function kindOf({ excluded }: Requirement): Exclusion | undefined {
  return excluded === undefined ? undefined : exclusionOf(excluded);
}

function section({ document, revision, url, note, source, requirements }: RequirementsDocument): string {
  const head = [
    `## ${document}`,
    `Read: [${revision}](${url}). Table: [\`${source}\`](../test/requirements/${source}).`,
    ...(note === undefined ? [] : [note]),
  ];
  return [
    ...head,
    ...group(
      'checked by tests',
      document,
      requirements.filter((row) => row.tests !== undefined),
    ),
    ...EXCLUSIONS.flatMap((kind) =>
      group(
        kind,
        document,
        requirements.filter((row) => kindOf(row) === kind),
      ),
    ),
  ].join('\n\n');
}

function group(name: string, document: string, rows: readonly Requirement[]): string[] {
  return rows.length === 0 ? [] : [`### ${document}: ${name}`, rows.map(item).join('\n')];
}

function item({ id, role, level, section: place, requirement, tests, excluded }: Requirement): string {
  const roles = [role].flat().map((each) => ROLE_NAMES[each]);
  const where = /^\d/u.test(place) ? `section ${place}` : place;
  const lines = [`- **${id}** (${roles.join(', ')}; ${level}; ${where}). ${requirement}`];
  for (const { file, titles } of tests ?? []) {
    const quoted = titles.map((title) => code(title));
    lines.push(`  - [\`${shortName(file)}\`](../${file}): ${quoted.join('; ')}`);
  }
  const kind = excluded === undefined ? undefined : exclusionOf(excluded);
  if (excluded !== undefined && kind !== undefined) lines.push(`  - ${excluded.slice(kind.length + 2)}`);
  return lines.join('\n');
}

/** A title as inline code, in more backticks than it contains. */
function code(title: string): string {
  const longest = Math.max(0, ...(title.match(/`+/gu) ?? []).map(({ length }) => length));
  const fence = '`'.repeat(longest + 1);
  const edge = title.startsWith('`') || title.endsWith('`') ? ' ' : '';
  return `${fence}${edge}${title}${edge}${fence}`;
}

/** `identity-provider/issue/grant.test.ts` for `packages/identity-provider/src/issue/grant.test.ts`. */
function shortName(file: string): string {
  return file.replace(/^packages\/(?<name>[^/]+)\/src\//u, '$<name>/');
}
