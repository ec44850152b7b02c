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
import type { CredenceEventListener } from '../principal/options.ts';
import { ServicePrincipal } from '../principal/service-principal.ts';
import type { AuditRecord } from './audit-record.ts';
import { auditTrail, jsonLines } from './audit-trail.ts';
import { openTelemetry } from './open-telemetry.ts';

const RESOURCE = 'http://127.0.0.1:1/mcp';
let world: OAuthWorld;

beforeEach(async () => {
  world = await startOAuthWorld({ as: { resources: [RESOURCE] } });
});
afterEach(() => world.close());

function principal(onEvent: readonly CredenceEventListener[]): ServicePrincipal {
  const { idp, as, idpClient, asClient } = world;
  const secretOf = ({ clientId, secret = '' }: { clientId: string; secret?: string }) =>
    clientSecret({ clientId, secret });
  return new ServicePrincipal({
    idp: { issuer: idp.issuer, credential: secretOf(idpClient) },
    servers: { notes: { url: RESOURCE, resource: RESOURCE, issuer: as.issuer, credential: secretOf(asClient) } },
    onEvent,
  });
}

describe('openTelemetry', () => {
  it('creates a span for each acquisition with a child span for each leg, and counts events', async () => {
    const spans = new InMemorySpanExporter();
    const measured = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter: measured, exportIntervalMillis: 3_600_000 });
    const meterProvider = new MeterProvider({ readers: [reader] });
    const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
    const bot = principal([openTelemetry({ tracerProvider, meterProvider })]);

    await Promise.all([bot.token('notes'), bot.token('notes'), bot.token('notes')]);
    await bot.close();
    await meterProvider.forceFlush();

    const finished = spans.getFinishedSpans();
    const parent = finished.find(({ name }) => name === 'credence token notes');
    const legs = finished.filter(({ name }) => name !== 'credence token notes');
    expect(parent?.attributes).toMatchObject({ 'credence.server': 'notes', 'credence.principal': 'bot-at-idp' });
    expect(legs.map(({ name }) => name).sort()).toEqual([
      'credence authenticate client-credentials',
      'credence discover authorization-server-metadata',
      'credence discover idp-metadata',
      'credence exchange token-exchange',
      'credence redeem jwt-bearer',
    ]);
    for (const leg of legs) expect(leg.parentSpanContext?.spanId).toBe(parent?.spanContext().spanId);

    const totals = new Map(
      measured
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
        .map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints.map(({ value }) => value)]),
    );
    expect(totals.get('credence.token.acquisitions')).toEqual([1]);
    expect(totals.get('credence.token.flight_joins')).toEqual([2]);
    expect(totals.get('credence.leg.duration')).toHaveLength(5);
    await meterProvider.shutdown();
  });

  it('counts warnings by leg and kind, and failed calls of token() by leg, code and contact', async () => {
    const measured = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter: measured, exportIntervalMillis: 3_600_000 });
    const meterProvider = new MeterProvider({ readers: [reader] });
    const listen = openTelemetry({ meterProvider });
    const bot = principal([listen]);
    world.idp.script.always('exchange', refusal('access_denied'));
    for (let call = 0; call < 5; call += 1) await bot.token('notes').catch(() => undefined);
    await bot.close();
    const warning = { type: 'warning', leg: 'configure', message: 'Down.', remedy: 'Look.', timeMs: 0 } as const;
    listen({ ...warning, code: 'store_unavailable' });
    listen({ ...warning, code: 'store_unavailable' });
    await meterProvider.forceFlush();
    const points = (name: string) =>
      measured
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
        .filter(({ descriptor }) => descriptor.name === name)
        .flatMap(({ dataPoints }) => dataPoints.map(({ value, attributes }) => ({ value, attributes })));
    expect(points('credence.warnings')).toEqual([
      { value: 2, attributes: { 'credence.leg': 'configure', 'credence.warning': 'store_unavailable' } },
    ]);
    expect(points('credence.token.calls_failed')).toMatchObject([
      {
        value: 5,
        attributes: { 'error.type': 'access_denied', 'credence.leg': 'exchange', 'credence.server': 'notes' },
      },
    ]);
    await meterProvider.shutdown();
  });

  it('sets the span of a refusal to an error with its leg and contact', async () => {
    const spans = new InMemorySpanExporter();
    const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
    const bot = principal([openTelemetry({ tracerProvider })]);
    world.idp.script.always('exchange', refusal('access_denied'));
    await expect(bot.token('notes')).rejects.toMatchObject({ code: 'access_denied' });
    await bot.close();
    expect(spans.getFinishedSpans().find(({ name }) => name === 'credence token notes')).toMatchObject({
      status: { code: 2 },
      attributes: { 'credence.leg': 'exchange', 'credence.contact': 'idp-admin', 'error.type': 'access_denied' },
    });
  });
});

describe('auditTrail', () => {
  it('writes a record for each grant, rejection and refusal, with the hash of the token and without the token', async () => {
    const lines: string[] = [];
    const bot = principal([auditTrail(jsonLines({ write: (line) => lines.push(line) }))]);
    const token = await bot.token('notes');
    bot.invalidate(token);
    world.as.script.always('redeem', refusal('access_denied'));
    await expect(bot.token('notes')).rejects.toMatchObject({ code: 'access_denied' });
    await bot.close();

    expect(lines.every((line) => line.endsWith('}\n'))).toBe(true);
    const records = lines.map((line) => JSON.parse(line) as AuditRecord);
    expect(records).toMatchObject([
      {
        outcome: 'granted',
        principal: 'bot-at-idp',
        server: 'notes',
        scopes: ['tools:read', 'tools:write'],
        tokenHash: token.hash,
        during: 'call',
      },
      { outcome: 'rejected', tokenHash: token.hash },
      { outcome: 'refused', leg: 'redeem', code: 'access_denied', contact: 'server-owner', during: 'call' },
    ]);
    expect(lines.join('')).not.toContain(token.value);
  });

  it('receives events after another listener has thrown', async () => {
    const records: AuditRecord[] = [];
    const throwing = () => {
      throw new Error('disk full');
    };
    const bot = principal([throwing, auditTrail((record) => records.push(record))]);
    await bot.token('notes');
    await bot.close();
    expect(records).toHaveLength(1);
  });

  it('causes no unhandled rejection if an asynchronous listener or write rejects', async () => {
    const unhandled = jest.fn();
    process.on('unhandledRejection', unhandled);
    const diskFull: () => unknown = async () => Promise.reject(new Error('disk full'));
    const bot = principal([diskFull, auditTrail(diskFull)]);
    await bot.token('notes');
    await bot.close();
    // Node emits unhandledRejection after the microtasks have run.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });
});
