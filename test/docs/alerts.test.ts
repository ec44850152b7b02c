import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openTelemetry } from '../../packages/core/src/opentelemetry.ts';
import type { CredenceEvent } from '@credence/core';
import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { parse } from 'yaml';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/observability.md'), 'utf8');

interface Rule {
  readonly alert: string;
  readonly expr: string;
}

const [, block = ''] = /^```yaml\n([\s\S]*?)^```/mu.exec(PAGE) ?? [];
const { groups } = parse(block) as { groups: readonly { rules: readonly Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);

const base = { timeMs: 1, server: 'notes', principal: 'bot' };
const failure = { leg: 'exchange', code: 'access_denied', message: 'm', remedy: 'r', contact: 'idp-admin' } as const;
const token = { issuer: 'i', resource: 'r', scopes: [], expiresInSeconds: 1, durationMs: 1, tokenHash: 'h' };
/** One event of each type that is counted. */
const EVENTS: readonly CredenceEvent[] = [
  { ...base, type: 'leg', leg: 'exchange', operation: 'token-exchange', ok: false, durationMs: 1, status: 429 },
  { ...base, type: 'acquired', ...token },
  { ...base, type: 'renewed', ...token },
  { ...base, type: 'refused', ...failure, durationMs: 1 },
  { ...base, type: 'renewal-failed', ...failure, durationMs: 1 },
  { ...base, type: 'call-failed', ...failure, durationMs: 1 },
  { ...base, type: 'rejected', tokenHash: 'h' },
  { ...base, type: 'warning', code: 'credential_file', leg: 'call', message: 'm', remedy: 'r' },
  { ...base, type: 'warning', code: 'store_unavailable', leg: 'configure', message: 'm', remedy: 'r' },
];

/** The labels of each metric, with the names that a Prometheus exporter makes of them. */
async function exportedLabels(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const listener = openTelemetry({ meterProvider });
  for (const event of EVENTS) listener(event);
  await meterProvider.forceFlush();
  const exported = new Map<string, ReadonlySet<string>>();
  const underscored = (name: string) => name.replaceAll(/[^\w]/gu, '_');
  for (const metric of exporter
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((one) => one.metrics))) {
    const labels = new Set(metric.dataPoints.flatMap(({ attributes }) => Object.keys(attributes).map(underscored)));
    const name = underscored(metric.descriptor.name) + (metric.descriptor.unit === 's' ? '_seconds' : '');
    if (metric.dataPointType === DataPointType.HISTOGRAM) {
      exported.set(`${name}_bucket`, new Set([...labels, 'le'])).set(`${name}_count`, labels);
    } else if (metric.dataPointType === DataPointType.GAUGE) {
      exported.set(name, labels);
    } else {
      exported.set(`${name}_total`, labels);
    }
  }
  await meterProvider.shutdown();
  return exported;
}

describe('an alert of docs/observability.md', () => {
  let exported: ReadonlyMap<string, ReadonlySet<string>>;
  beforeAll(async () => {
    exported = await exportedLabels();
  });

  it.each(rules)('$alert uses a metric and labels that are exported', ({ alert, expr }) => {
    const metric = /\bcredence_\w+_(?:total|bucket|count|down)\b/u.exec(expr)?.[0] ?? 'none';
    expect([...exported.keys()]).toContain(metric);
    const [, grouped = ''] = /by \(([^)]*)\)/u.exec(expr) ?? [];
    const [, matched = ''] = /\{([^}]*)\}/u.exec(expr) ?? [];
    const labels = [...grouped.split(', '), ...[...matched.matchAll(/(\w+)[!=]/gu)].map(([, label = '']) => label)];
    expect(labels.filter((label) => exported.get(metric)?.has(label) !== true)).toEqual([]);
    expect(PAGE).toContain(`| \`${alert}\``);
  });

  it('exists for failed calls, failed acquisitions and failed renewals', () => {
    const all = rules.map(({ expr }) => expr).join('\n');
    for (const name of ['credence_calls_failed', 'credence_token_refusals', 'credence_token_renewal_failures']) {
      expect(all).toContain(name);
    }
  });
});
