import type { Measurement, Outcome } from './measurement.ts';

const HEAD = ['package', 'version', 'passed to it', 'lost calls', 'step-up', 'lost session', 'shown of a refusal'];

/** The table of docs/frameworks.md, as lists of cells. */
export function tableOf(measurements: readonly Measurement[]): readonly (readonly string[])[] {
  return [HEAD, ...measurements.map(row)];
}

function row(measured: Measurement): readonly string[] {
  const name = measured.package.startsWith('mcp-sdk-') ? '@modelcontextprotocol/sdk' : measured.package;
  const start = [`\`${name}\``, measured.version, `\`${measured.passes}\``];
  const { afterRevocation, aroundRevocation, stepUp, lostSession, lostSessionAgain } = measured;
  if (!afterRevocation || !aroundRevocation) return [...start, 'does not connect', '', '', ''];
  const calls = [...afterRevocation, ...aroundRevocation];
  const lost = calls.filter((outcome) => outcome !== 'ok').length;
  return [
    ...start,
    `${lost} of ${calls.length}`,
    stepUp === 'ok' ? 'yes' : 'no',
    lostSession === 'ok' && lostSessionAgain === 'ok' ? 'continues' : 'connect again',
    shown(measured.refused),
  ];
}

function shown(refused: Outcome): string {
  if (/refuses the client.*\(contact: idp-admin\)/su.test(refused)) return 'message, remedy, contact';
  return refused.includes('refuses the client') ? 'message' : 'nothing';
}

/** The cells of the first table of a page that begins with the same head. */
export function tableIn(page: string): readonly (readonly string[])[] {
  const rows = page.split('\n').map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  const start = rows.findIndex((cells) => cells.join() === HEAD.join());
  const after = rows.slice(start);
  const end = after.findIndex((cells) => cells.length === 0);
  return after.slice(0, end === -1 ? undefined : end).filter((_, index) => index !== 1);
}
