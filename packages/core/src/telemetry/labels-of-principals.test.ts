import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { type OAuthWorld, refusal, startOAuthWorld } from '../../../../test/support/oauth-world.ts';
import { clientSecret } from '../credentials/client-secret.ts';
import { isCredenceError } from '../errors/credence-error.ts';
import { ServicePrincipal } from '../principal/service-principal.ts';
import type { CredenceEventListener } from '../principal/options.ts';
import type { CallFailedEvent, CredenceEvent } from '../runtime/events.ts';
import type { AuditRecord } from './audit-record.ts';
import { auditTrail } from './audit-trail.ts';
import { openTelemetry } from './open-telemetry.ts';

const RESOURCE = 'http://127.0.0.1:1/mcp';

afterEach(() => {
  jest.useRealTimers();
});

/** A meter and a tracer provider, and what they have measured. */
function telemetry() {
  const spans = new InMemorySpanExporter();
  const measured = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: measured, exportIntervalMillis: 3_600_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
  return {
    providers: { meterProvider, tracerProvider },
    end: async () => {
      await meterProvider.forceFlush();
      const points = (measured.getMetrics().at(-1)?.scopeMetrics ?? [])
        .flatMap(({ metrics }) => metrics)
        .flatMap(({ descriptor, dataPoints }) => dataPoints.map((point) => ({ name: descriptor.name, ...point })));
      await meterProvider.shutdown();
      return { points, spans: spans.getFinishedSpans() };
    },
  };
}

describe('the label of a principal', () => {
  let world: OAuthWorld;
  beforeEach(async () => {
    world = await startOAuthWorld({ as: { resources: [RESOURCE] } });
  });
  afterEach(() => world.close());

  function principal(label: string | undefined, onEvent: readonly CredenceEventListener[]): ServicePrincipal {
    const { idp, as, idpClient, asClient } = world;
    const secretOf = ({ clientId, secret = '' }: { clientId: string; secret?: string }) =>
      clientSecret({ clientId, secret });
    return new ServicePrincipal({
      label,
      idp: { issuer: idp.issuer, credential: secretOf(idpClient) },
      servers: { notes: { url: RESOURCE, resource: RESOURCE, issuer: as.issuer, credential: secretOf(asClient) } },
      retry: { retries: 0 },
      onEvent,
    });
  }

  it('is in each event, metric, span and audit record of that principal, and of no other one', async () => {
    const { providers, end } = telemetry();
    const events: CredenceEvent[] = [];
    const records: AuditRecord[] = [];
    const listeners = [
      openTelemetry(providers),
      auditTrail((record) => void records.push(record)),
      (event: CredenceEvent) => void events.push(event),
    ];
    const bots = ['tenant-a', 'tenant b (Zürich)', undefined].map((label) => principal(label, listeners));
    await Promise.all(bots.map(async (bot) => bot.token('notes')));
    world.idp.script.always('exchange', refusal('access_denied'));
    for (const bot of bots) {
      bot.warn('notes', { leg: 'call', message: 'Ours.', remedy: 'Ours too.' });
      // The port refuses connections, so the call fails.
      await bot.fetchFor('notes')(RESOURCE).catch(isCredenceError);
      await bot.token('notes', { scopes: ['more'] }).catch(isCredenceError);
      await bot.close();
    }
    const { points, spans } = await end();

    expect(bots.map(({ label }) => label)).toEqual(['tenant-a', 'tenant b (Zürich)', undefined]);
    const types = new Set(events.map(({ type }) => type));
    for (const type of types) {
      const labels = new Set(events.filter((event) => event.type === type).map(({ label }) => label));
      expect([type, labels]).toEqual([type, new Set(['tenant-a', 'tenant b (Zürich)', undefined])]);
    }
    expect([...types].sort()).toEqual([
      'acquired',
      'call-failed',
      'closed',
      'leg',
      'refused',
      'token-failed',
      'warning',
    ]);
    for (const outcome of ['granted', 'refused', 'call-failed', 'warning'] as const) {
      const labels = records.filter((record) => record.outcome === outcome).map(({ label }) => label);
      expect([outcome, new Set(labels)]).toEqual([outcome, new Set(['tenant-a', 'tenant b (Zürich)', undefined])]);
    }
    const names = new Set(points.map(({ name }) => name));
    for (const name of names) {
      const labels = points.filter((point) => point.name === name).map((point) => point.attributes['credence.label']);
      expect([name, new Set(labels)]).toEqual([name, new Set(['tenant-a', 'tenant b (Zürich)', undefined])]);
    }
    expect(names.size).toBeGreaterThan(5);
    expect(new Set(spans.map(({ attributes }) => attributes['credence.label']))).toEqual(
      new Set(['tenant-a', 'tenant b (Zürich)', undefined]),
    );
  });

  it.each<[string, unknown]>([
    ['is empty', ''],
    ['is longer than 256 characters', 'x'.repeat(257)],
    ['has a line break', 'a\nb'],
    ['has a mark that changes the direction of the text', 'a\u202eb'],
    ['starts with a space', ' a'],
    ['is a token', `eyJhbGciOiJub25lIn0.${'x'.repeat(40)}.${'y'.repeat(40)}`],
    ['is not a text', 7],
  ])('is refused if it %s', (_what, label) => {
    expect(() => principal(label as string, [])).toThrow(
      expect.objectContaining({ code: 'invalid_configuration', message: expect.stringMatching(/^label /u) }),
    );
  });
});

function failedCall(over: Partial<CallFailedEvent> = {}): CallFailedEvent {
  const words = { message: 'Ours.', remedy: 'Ours too.', contact: 'server-owner' } as const;
  const members = { type: 'call-failed', leg: 'call', code: 'forbidden', durationMs: 5, server: 'notes' } as const;
  return { timeMs: Date.now(), ...members, ...words, ...over };
}

describe('the principals in metrics', () => {
  it('are at most as many as maxPrincipals, over all listeners of a meter provider; spans name each of them', async () => {
    const { providers, end } = telemetry();
    for (let index = 0; index < 50; index += 1) {
      // As a pool does that creates each principal with its own listener.
      const listener = openTelemetry({ ...providers, maxPrincipals: 10 });
      for (const principal of [`bot-${index}`, 'bot-0']) {
        listener(failedCall({ label: `tenant-${index}`, principal }));
        listener({ type: 'joined', timeMs: 1, server: 'notes', label: `tenant-${index}`, principal });
      }
    }
    const { points, spans } = await end();
    for (const name of ['credence.calls.failed', 'credence.token.flight_joins']) {
      const of = (attribute: string) =>
        new Set(points.filter((point) => point.name === name).map(({ attributes }) => attributes[attribute]));
      expect(of('credence.label').size).toBe(11);
      expect(of('credence.principal').size).toBe(11);
      expect(of('credence.label')).toContain('other');
    }
    const total = points.filter(({ name }) => name === 'credence.calls.failed').map(({ value }) => Number(value));
    expect(total.reduce((sum, value) => sum + value)).toBe(100);
    expect(new Set(spans.map(({ attributes }) => attributes['credence.label'])).size).toBe(50);
  });

  it('are 1,000 at most by default', async () => {
    const { providers, end } = telemetry();
    const listener = openTelemetry(providers);
    for (let index = 0; index < 1_200; index += 1) {
      listener({ type: 'joined', timeMs: 1, label: `tenant-${index}` });
    }
    const { points } = await end();
    expect(points.filter(({ name }) => name === 'credence.token.flight_joins')).toHaveLength(1_001);
  });

  it('show a store that is down for as long as one of the principals with the same label cannot use it', async () => {
    const { providers, end } = telemetry();
    const listener = openTelemetry({ ...providers, maxPrincipals: 0 });
    const warn = (label: string, code: 'store_available' | 'store_unavailable') =>
      listener({ type: 'warning', timeMs: 1, label, code, leg: 'configure', message: 'Ours.', remedy: 'Ours.' });
    warn('a', 'store_unavailable');
    warn('b', 'store_unavailable');
    warn('a', 'store_available');
    const { points } = await end();
    const gauge = points.filter(({ name }) => name === 'credence.store.down');
    expect(gauge).toMatchObject([{ value: 1, attributes: { 'credence.label': 'other' } }]);
  });
});

describe('the failed calls of principals with a shared audit trail', () => {
  it('are counted for each label', () => {
    jest.useFakeTimers();
    const records: AuditRecord[] = [];
    const listener = auditTrail((record) => void records.push(record));
    for (const label of ['a', 'b']) for (let call = 0; call < 3; call += 1) listener(failedCall({ label }));
    jest.advanceTimersByTime(60_000);
    expect(records.map(({ label, failedCalls }) => [label, failedCalls])).toEqual([
      ['a', undefined],
      ['b', undefined],
      ['a', 2],
      ['b', 2],
    ]);
    listener({ type: 'closed', timeMs: Date.now() });
  });
});
