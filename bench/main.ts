import { checks } from './measures/checks.ts';
import { cold } from './measures/cold.ts';
import { expiries } from './measures/expiries.ts';
import { fleet } from './measures/fleet.ts';
import { hit } from './measures/hit.ts';
import type { Measure } from './measures/measure.ts';
import { memory } from './measures/memory.ts';
import { revoked } from './measures/revoked.ts';
import { tenants } from './measures/tenants.ts';
import { verification } from './measures/verification.ts';
import { type BenchOptions, type Letter, optionsFrom, USAGE } from './options.ts';
import { describeMachine, thisMachine } from './report/machine.ts';
import { writePage } from './report/page.ts';
import type { Row } from './report/row.ts';
import { tableOf } from './report/table.ts';

const MEASURES: Readonly<Record<Letter, Measure>> = {
  a: cold,
  b: revoked,
  c: expiries,
  d: hit,
  e: memory,
  f: fleet,
  g: verification,
  h: checks,
  i: tenants,
};

/** A missed target is printed as a result and does not fail the run. A measurement that throws fails it. */
async function main({ only, rounds, json, write }: BenchOptions): Promise<void> {
  const machine = await thisMachine();
  const log = (text: string) => void process.stderr.write(`${text}\n`);
  const rows: Row[] = [];
  for (const letter of only) rows.push(...(await MEASURES[letter]({ rounds, log })));
  const missed = rows.filter(({ target }) => target?.met === false).length;
  const summary = `${rows.filter(({ target }) => target).length} targets, ${missed} missed`;
  const text = `${describeMachine(machine)}\n\n${tableOf(rows)}`;
  if (write) await writePage(text);
  console.log(json ? JSON.stringify({ machine, rows }, undefined, 2) : `${text}\n\n${summary}`);
}

function readOptions(args: readonly string[]): BenchOptions | undefined {
  try {
    return optionsFrom(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exitCode = 1;
    return undefined;
  }
}

const options = readOptions(process.argv.slice(2));
if (options) await main(options);
