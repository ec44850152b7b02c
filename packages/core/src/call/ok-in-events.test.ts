import { afterEach, describe, expect, it } from '@jest/globals';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { hangUp, type PeerRoute } from '../../../../test/support/peer.ts';
import { type CallWorld, startCallWorld, tokenOf } from '../../test-support/call-world.ts';
import { generateDpopKeyPair } from '../dpop/dpop-keys.ts';
import type { McpServerOptions } from '../principal/options.ts';
import type { CredenceEvent } from '../runtime/events.ts';
import type { AuditRecord } from '../telemetry/audit-record.ts';
import { auditTrail } from '../telemetry/audit-trail.ts';
import { openTelemetry } from '../telemetry/open-telemetry.ts';

/** One request of a call: whether it is ok, and its status, or the code of the error if there was no response. */
type Leg = readonly [boolean, number | string];

interface Case {
  readonly answers: PeerRoute;
  readonly server?: Partial<McpServerOptions>;
  readonly init?: () => RequestInit;
  readonly legs: readonly Leg[];
  /** The code of the failed call. Undefined if the call has not failed. */
  readonly failed?: string;
  /** The outcomes in the audit trail that are about calls. */
  readonly audit: readonly AuditRecord['outcome'][];
}

const ok = { body: { jsonrpc: '2.0', id: 1, result: {} } };
const unlessSecond =
  (refusal: object): PeerRoute =>
  (request) =>
    tokenOf(request) === 'token-1' ? refusal : ok;
const challenge = (error: string, more = '') => ({
  status: 403,
  headers: { 'www-authenticate': `Bearer error="${error}"${more}` },
});

const cases: Readonly<Record<string, () => Case | Promise<Case>>> = {
  'a success': () => ({ answers: ok, legs: [[true, 200]], audit: [] }),
  'a success with an error of JSON-RPC in its body': () => ({
    answers: { body: { jsonrpc: '2.0', id: 1, error: { code: -32_000, message: 'no' } } },
    legs: [[true, 200]],
    audit: [],
  }),
  '401 to every token': () => ({
    answers: { status: 401 },
    legs: [
      [false, 401],
      [false, 401],
    ],
    failed: 'token_refused',
    audit: ['rejected', 'rejected', 'call-failed'],
  }),
  '401, and a success with a new token': () => ({
    answers: unlessSecond({ status: 401 }),
    legs: [
      [false, 401],
      [true, 200],
    ],
    audit: ['rejected'],
  }),
  '403 invalid_token, and a success with a new token': () => ({
    answers: unlessSecond(challenge('invalid_token')),
    legs: [
      [false, 403],
      [true, 200],
    ],
    audit: ['rejected'],
  }),
  '403 without a challenge': () => ({
    answers: { status: 403 },
    legs: [[false, 403]],
    failed: 'forbidden',
    audit: ['call-failed'],
  }),
  '403 for a scope that the bot may not add': () => ({
    answers: challenge('insufficient_scope', ', scope="notes:admin"'),
    server: { scopes: ['notes:read'] },
    legs: [[false, 403]],
    failed: 'insufficient_scope',
    audit: ['call-failed'],
  }),
  '403 for a scope, and a success after the step-up': () => ({
    answers: unlessSecond(challenge('insufficient_scope', ', scope="notes:write"')),
    server: { scopes: ['notes:read'], stepUp: ['notes:write'] },
    legs: [
      [false, 403],
      [true, 200],
    ],
    audit: ['stepped-up'],
  }),
  '401 for a missing DPoP nonce, and a success with it': async () => {
    let requests = 0;
    return {
      answers: () => {
        requests += 1;
        const headers = { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': 'n-1' };
        return requests === 1 ? { status: 401, headers } : ok;
      },
      server: { dpop: await generateDpopKeyPair() },
      legs: [
        [false, 401],
        [true, 200],
      ],
      audit: [],
    };
  },
  '429': () => ({ answers: { status: 429 }, legs: [[false, 429]], failed: 'rate_limited', audit: ['call-failed'] }),
  '500': () => ({ answers: { status: 500 }, legs: [[false, 500]], failed: 'peer_unavailable', audit: ['call-failed'] }),
  'no response, because the server hangs up': () => ({
    answers: hangUp(),
    legs: [[false, 'unreachable']],
    failed: 'unreachable',
    audit: ['call-failed'],
  }),
  'no response within the time limit of the caller': () => ({
    answers: () => new Promise(() => undefined),
    init: () => ({ signal: AbortSignal.timeout(30) }),
    legs: [[false, 'timeout']],
    failed: 'timeout',
    audit: ['call-failed'],
  }),
  'no response, because the caller aborts': () => {
    const controller = new AbortController();
    return {
      answers: () => {
        controller.abort(new Error('the caller no longer needs it'));
        return new Promise(() => undefined);
      },
      init: () => ({ signal: controller.signal }),
      legs: [],
      audit: [],
    };
  },
};

let world: CallWorld | undefined;
afterEach(async () => world?.close());

/** How many requests to the MCP server the histogram of durations has, without and with the label of an error. */
async function measuredCalls(meters: MeterProvider, exporter: InMemoryMetricExporter) {
  await meters.forceFlush();
  const counted = { ok: 0, failed: 0 };
  for (const { scopeMetrics } of exporter.getMetrics()) {
    for (const { descriptor, dataPoints } of scopeMetrics.flatMap(({ metrics }) => metrics)) {
      if (descriptor.name !== 'credence.leg.duration') continue;
      for (const { attributes, value } of dataPoints) {
        if (attributes['credence.leg'] !== 'call' || typeof value === 'number') continue;
        counted[attributes['error.type'] === undefined ? 'ok' : 'failed'] += value.count;
      }
    }
  }
  return counted;
}

describe('what the events, the metrics and the audit trail say about a call', () => {
  it.each(Object.keys(cases))('is its outcome: %s', async (name) => {
    const { answers, server, init, legs, failed, audit } = (await cases[name]?.()) ?? fail(name);
    const records: AuditRecord[] = [];
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const meterProvider = new MeterProvider({ readers: [reader] });
    const events: CredenceEvent[] = [];
    const listeners = [
      openTelemetry({ meterProvider, tracerProvider: new BasicTracerProvider() }),
      auditTrail((record) => void records.push(record)),
      (event: CredenceEvent) => void events.push(event),
    ];
    world = await startCallWorld(answers, server, { onEvent: listeners });
    const call = world.send({ method: 'POST', body: '{}', ...init?.() });
    await call.then((response) => response.text()).catch(() => undefined);

    const seen = events.flatMap((event) => (event.type === 'leg' && event.leg === 'call' ? [event] : []));
    expect(seen.map(({ ok: isOk, status, code }) => [isOk, status ?? code])).toEqual(legs);
    for (const { ok: isOk, code } of seen) expect(code === undefined).toBe(isOk);
    const failures = events.flatMap((event) => (event.type === 'call-failed' ? [event.code] : []));
    expect(failures).toEqual(failed === undefined ? [] : [failed]);
    const expected = { ok: legs.filter(([isOk]) => isOk).length, failed: legs.filter(([isOk]) => !isOk).length };
    expect(await measuredCalls(meterProvider, exporter)).toEqual(expected);
    expect(records.map(({ outcome }) => outcome).filter((outcome) => outcome !== 'granted')).toEqual(audit);
    await meterProvider.shutdown();
  });
});

function fail(name: string): never {
  throw new Error(`there is no case ${name}`);
}
