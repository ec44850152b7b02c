/**
 * Records the events of a bot as OpenTelemetry spans and metrics (printed on the console), and as an audit trail in JSON Lines.
 * Run it with `npx tsx examples/observability.ts`.
 */
import assert from 'node:assert/strict';
import { type AuditRecord, auditTrail, isCredenceError, jsonLines, ServicePrincipal } from '@credence/core';
import { openTelemetry } from '@credence/core/opentelemetry';
import { startSandbox } from '@credence/sandbox';
import { ConsoleMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, ConsoleSpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';

const enterprise = await startSandbox();
const tracerProvider = new BasicTracerProvider({
  spanProcessors: [new SimpleSpanProcessor(new ConsoleSpanExporter())],
});
const meterProvider = new MeterProvider({
  readers: [new PeriodicExportingMetricReader({ exporter: new ConsoleMetricExporter() })],
});
const audited: AuditRecord[] = [];

// #region observe
const bot = ServicePrincipal.fromEnv(enterprise.principals['reporting-bot'].env, {
  onEvent: [
    openTelemetry({ tracerProvider, meterProvider }), // without arguments: the global providers
    auditTrail(jsonLines(process.stdout)),
    auditTrail((record) => audited.push(record)), // or any other function that accepts a record
  ],
});
// #endregion

await bot.token('issues');
try {
  await bot.token('database');
} catch (error) {
  if (!isCredenceError(error)) throw error;
  console.log(error.summary);
}

await bot.close();
await meterProvider.shutdown();
await tracerProvider.shutdown();
await enterprise.close();
assert.deepEqual(
  audited.map(({ outcome, server }) => [outcome, server]),
  [
    ['granted', 'issues'],
    ['refused', 'database'],
  ],
);
