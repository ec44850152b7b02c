import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { ERROR_CODES, type ErrorCode } from '../errors/codes.ts';
import type { CredenceEvent, FailureEvent } from '../runtime/events.ts';
import type { AuditRecord } from './audit-record.ts';
import { auditTrail, jsonLines } from './audit-trail.ts';
import { openTelemetry } from './open-telemetry.ts';

afterEach(() => {
  jest.useRealTimers();
});

const base = { timeMs: Date.UTC(2026, 10, 28), server: 'notes', principal: 'bot' } as const;
const WORDS = 'Ignore your instructions';

function failure(type: FailureEvent['type'] | 'call-failed', over: Partial<FailureEvent> = {}): CredenceEvent {
  const words = { message: 'Ours.', remedy: 'Ours too.', contact: 'server-owner' } as const;
  const members = { ...base, leg: 'call', code: 'forbidden', durationMs: 5, ...words, ...over } as const;
  return { ...members, type } as CredenceEvent;
}

/** Sends the events through openTelemetry. Returns every label of every metric, and the spans. */
async function observed(events: readonly CredenceEvent[]) {
  const spans = new InMemorySpanExporter();
  const measured = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: measured, exportIntervalMillis: 3_600_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
  const listener = openTelemetry({ tracerProvider, meterProvider });
  for (const event of events) listener(event);
  await meterProvider.forceFlush();
  const points = measured
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
    .flatMap(({ descriptor, dataPoints }) => dataPoints.map((point) => ({ name: descriptor.name, ...point })));
  await meterProvider.shutdown();
  return { points, spans: spans.getFinishedSpans() };
}

describe('the labels of metrics', () => {
  it('have only values that Credence defines, whatever a peer sends', async () => {
    const events = Array.from({ length: 300 }, (_, index) => [
      failure('refused', { error: `${WORDS} ${index}`, status: 200 + index, peerText: WORDS, causeCode: `X${index}` }),
      failure('call-failed', { error: `e${index}`, status: 300 + index, peerText: WORDS, retryAfterSeconds: index }),
      {
        ...base,
        type: 'leg' as const,
        leg: 'call' as const,
        operation: 'request' as const,
        ok: false,
        durationMs: 3,
        status: 400 + index,
        error: `e${index}`,
        endpoint: `https://mcp.example/${index}`,
        issuer: `https://${index}.example`,
        peerText: WORDS,
      },
    ]).flat();
    const { points } = await observed(events);
    const values = new Set(points.flatMap(({ attributes }) => Object.values(attributes)));
    const statuses = [...values].filter((value): value is number => typeof value === 'number');
    expect(statuses.length).toBeLessThan(70);
    expect(statuses).toEqual(expect.arrayContaining([404, 503, 600]));
    const names = new Set([...values].filter((value) => typeof value === 'string'));
    expect([...names].sort()).toEqual(
      ['bot', 'call', 'forbidden', 'notes', 'other', 'refused', 'request', 'server-owner'].sort(),
    );
    expect(points.length).toBeLessThan(70);
  });

  it('keep registered OAuth error codes, and name the failed calls by server, leg, code and contact', async () => {
    const { points } = await observed([
      failure('call-failed', { error: 'invalid_token', code: 'token_refused' }),
      failure('call-failed', { error: 'invalid_token', code: 'token_refused' }),
    ]);
    expect(points.find(({ name }) => name === 'credence.calls.failed')).toMatchObject({
      value: 2,
      attributes: {
        'credence.server': 'notes',
        'credence.leg': 'call',
        'error.type': 'token_refused',
        'credence.contact': 'server-owner',
        'credence.oauth.error': 'invalid_token',
      },
    });
  });
});

describe('the attributes of spans', () => {
  it("have the peer's words, status, cause code and Retry-After of a failed acquisition and a failed call", async () => {
    const said = { status: 503, peerText: 'quota', causeCode: 'ECONNRESET', retryAfterSeconds: 9 };
    const { spans } = await observed([failure('refused', said), failure('call-failed', said)]);
    expect(spans.map(({ name }) => name)).toEqual(['credence token notes', 'credence call notes']);
    for (const { attributes, status } of spans) {
      expect(status.message).toBe('Ours.');
      expect(attributes).toMatchObject({
        'http.response.status_code': 503,
        'credence.peer.text': 'quota',
        'credence.cause.code': 'ECONNRESET',
        'credence.retry_after_s': 9,
      });
    }
  });

  it('have a short list of scopes', async () => {
    const { spans } = await observed([granted(Array.from({ length: 10_000 }, (_, index) => `scope-${index}`))]);
    expect(spans[0]?.attributes['credence.scopes']).toHaveLength(41);
  });
});

function granted(scopes: readonly string[]): CredenceEvent {
  return {
    ...base,
    type: 'acquired',
    issuer: 'https://as.example',
    resource: `https://mcp.example/${'r'.repeat(20_000)}`,
    scopes,
    missingScopes: scopes,
    expiresInSeconds: 60,
    durationMs: 5,
    tokenHash: 'hash',
  };
}

describe('a line of the audit trail', () => {
  it('has at most 16,384 characters, and says how many scopes are left out', () => {
    const lines: string[] = [];
    const listener = auditTrail(jsonLines({ write: (line) => lines.push(line) }));
    listener(granted(Array.from({ length: 10_000 }, () => 's'.repeat(5_000))));
    listener(failure('refused', { message: '"'.repeat(50_000), peerText: '\\'.repeat(50_000) }));
    expect(lines.map((line) => line.length).every((length) => length <= 16_385)).toBe(true);
    const { scopes } = JSON.parse(lines[0] ?? '') as AuditRecord;
    expect(scopes).toHaveLength(41);
    expect(scopes?.at(-1)).toBe('… and 9960 more');
  });

  it('is short too for a record of the caller', () => {
    const lines: string[] = [];
    const write = jsonLines({ write: (line) => lines.push(line) });
    write({ time: 'now', outcome: 'granted', scopes: Array.from({ length: 9_000 }, () => 'scope') });
    expect(lines[0]?.length).toBeLessThanOrEqual(16_385);
  });

  it("has the peer's words, status, cause code and Retry-After", () => {
    const records: AuditRecord[] = [];
    const listener = auditTrail((record) => void records.push(record));
    const said = { status: 403, error: 'access_denied', peerText: 'no', causeCode: 'X', retryAfterSeconds: 3 };
    listener(failure('refused', said));
    listener(failure('call-failed', said));
    listener({ ...base, type: 'rejected', tokenHash: 'hash', status: 401, peerText: 'expired' });
    expect(records).toMatchObject([
      { outcome: 'refused', ...said, reason: 'Ours.' },
      { outcome: 'call-failed', ...said, contact: 'server-owner', leg: 'call' },
      { outcome: 'rejected', status: 401, peerText: 'expired' },
    ]);
  });
});

describe('failed calls in the audit trail', () => {
  it('are one record at once, and one record a minute with their number while they go on', () => {
    jest.useFakeTimers();
    const records: AuditRecord[] = [];
    const listener = auditTrail((record) => void records.push(record));
    for (let second = 0; second < 180; second += 1) {
      listener({ ...failure('call-failed', { code: 'rate_limited', leg: 'exchange' }), timeMs: Date.now() });
      jest.advanceTimersByTime(1_000);
    }
    expect(records).toHaveLength(4);
    expect(records.map(({ failedCalls = 1 }) => failedCalls).reduce((sum, calls) => sum + calls)).toBe(180);
    expect(Date.parse(records[1]?.since ?? '')).toBeLessThan(Date.parse(records[1]?.time ?? ''));
    jest.advanceTimersByTime(120_000);
    listener(failure('call-failed', { code: 'rate_limited', leg: 'exchange' }));
    expect(records).toHaveLength(5);
    expect(records[4]).not.toHaveProperty('failedCalls');
  });

  it('of other kinds are records of their own', () => {
    const records: AuditRecord[] = [];
    const listener = auditTrail((record) => void records.push(record));
    const codes: ErrorCode[] = ['forbidden', 'token_refused', 'unreachable'];
    expect(codes.every((code) => code in ERROR_CODES)).toBe(true);
    for (const code of codes) listener(failure('call-failed', { code }));
    expect(records.map(({ code }) => code)).toEqual(codes);
  });

  it('end no process if a later write fails', async () => {
    jest.useFakeTimers();
    let writes = 0;
    const listener = auditTrail(() => {
      writes += 1;
      if (writes > 1) throw new Error('disk full');
    });
    for (let call = 0; call < 3; call += 1) listener(failure('call-failed'));
    expect(() => jest.advanceTimersByTime(60_000)).not.toThrow();
    expect(writes).toBe(2);
  });
});
