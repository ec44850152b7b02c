import type { Row, Values } from './row.ts';

const HEAD = [
  '',
  'measured',
  'CrossAppAccessProvider (v2)',
  'PrivateKeyJwtProvider (v1)',
  'compared with',
  'Credence',
  'ratio',
  'target',
  '',
] as const;

/** The table as Markdown, aligned for a terminal. Two values in a cell are SDK v1 / SDK v2. */
export function tableOf(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    `(${row.id})`,
    row.what,
    withUnit(row.peerV2 === undefined ? '' : number(row.peerV2), row.unit),
    withUnit(row.peerV1 === undefined ? '' : number(row.peerV1), row.unit),
    withUnit(list(row.baseline), row.unit),
    withUnit(list(row.credence), row.unit),
    row.ratio ? row.ratio.map((ratio) => ratio.toFixed(2)).join(' / ') : '',
    row.target?.text ?? '',
    row.target ? (row.target.met ? 'met' : 'MISSED') : '',
  ]);
  const widths = HEAD.map((head, column) =>
    Math.max(3, ...[head, ...cells.map((line) => line[column] ?? '')].map((c) => c.length)),
  );
  const line = (texts: readonly string[]) => `| ${texts.map((text, at) => text.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  return [line(HEAD), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join('\n');
}

function list(values: Values | undefined): string {
  return values ? values.map(number).join(' / ') : '';
}

function withUnit(text: string, unit: string): string {
  return text === '' || unit === '' ? text : `${text} ${unit}`;
}

function number(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}
