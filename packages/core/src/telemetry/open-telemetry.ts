import {
  type Attributes,
  context,
  metrics,
  type MeterProvider,
  SpanKind,
  SpanStatusCode,
  trace,
  type TracerProvider,
} from '@opentelemetry/api';
import { type LruCache, lruCache } from '@credence/protocol';
import type {
  CallFailedEvent,
  CredenceEvent,
  FailureEvent,
  LegEvent,
  PeerDetails,
  TokenEvent,
  TokenFailedEvent,
} from '../runtime/events.ts';
import { boundedScopes, cut } from './bounded-lists.ts';
import { oauthErrorLabel, statusLabel } from './labels.ts';
import { principalNames } from './principal-names.ts';

/** Options of `openTelemetry`. */
export interface OpenTelemetryOptions {
  /** Default: the global tracer provider. */
  tracerProvider?: TracerProvider | undefined;
  /** Default: the global meter provider. */
  meterProvider?: MeterProvider | undefined;
  /**
   * How many labels of principals, and how many of their client ids, the metrics have; further ones are `other`. All listeners of the
   * process with the same meter provider share these names. Spans always have the label. Default 1,000.
   */
  maxPrincipals?: number | undefined;
}

/**
 * The legs of an acquisition are remembered until it ends. Above this number of acquisitions, the least recently used
 * is dropped.
 */
const MAX_OPEN_ACQUISITIONS = 1_000;
/** Retries are limited, so an acquisition has fewer legs. */
const MAX_LEGS = 100;
const SCOPE = '@credence/core';

/**
 * An `onEvent` listener that creates a span for each acquisition, with a child span for each request, and for each failed call, and
 * counts events. The texts of peers are attributes of spans; the labels of metrics have only values of the configuration or of Credence. The names
 * are in docs/observability.md. The function needs the peer dependency `@opentelemetry/api`, which only this entry point imports.
 *
 * @example
 * <!-- from examples/observability.ts#observe -->
 * ```ts
 * const bot = ServicePrincipal.fromEnv(enterprise.principals['reporting-bot'].env, {
 *   onEvent: [
 *     openTelemetry({ tracerProvider, meterProvider }), // without arguments: the global providers
 *     auditTrail(jsonLines(process.stdout)),
 *     auditTrail((record) => audited.push(record)), // or any other function that accepts a record
 *   ],
 * });
 * ```
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): (event: CredenceEvent) => void {
  const tracer = (options.tracerProvider ?? trace).getTracer(SCOPE);
  const meterProvider = options.meterProvider ?? metrics;
  const meter = meterProvider.getMeter(SCOPE);
  const forMetrics = principalNames(meterProvider, options.maxPrincipals);
  const counters = {
    acquired: meter.createCounter('credence.token.acquisitions', { description: 'tokens that a caller waited for' }),
    renewed: meter.createCounter('credence.token.renewals', { description: 'tokens renewed in the background' }),
    refused: meter.createCounter('credence.token.refusals', {
      description: 'requests that were refused or failed, so that a caller got no token',
    }),
    'renewal-failed': meter.createCounter('credence.token.renewal_failures', {
      description: 'renewals that failed while the old token was still valid',
    }),
    joined: meter.createCounter('credence.token.flight_joins', {
      description: 'callers that waited for an acquisition that was already in progress',
    }),
    shared: meter.createCounter('credence.token.store_hits', {
      description: 'tokens that another process of the bot had acquired',
    }),
    'call-failed': meter.createCounter('credence.calls.failed', { description: 'calls to an MCP server that failed' }),
    'token-failed': meter.createCounter('credence.token.calls_failed', {
      description: 'calls of token() that failed, also without a request to a peer',
    }),
    warning: meter.createCounter('credence.warnings', { description: 'problems that did not make a call fail' }),
    rejected: meter.createCounter('credence.token.rejections', { description: 'tokens that the MCP server refused' }),
    'step-up': meter.createCounter('credence.token.step_ups', {
      description: 'tokens with more scopes acquired after a 403',
    }),
  };
  /** By the labels of the gauge: the principals whose store cannot be used. */
  const down = new Map<string, Set<string>>();
  const storeDown = meter.createGauge('credence.store.down', {
    description: '1 while the shared store cannot be used, else 0',
  });
  const setStoreDown = (event: CredenceEvent, isDown: boolean) => {
    const labels = common({ ...forMetrics(event), server: undefined });
    const series = JSON.stringify(labels);
    const principals = down.get(series) ?? new Set();
    const principal = JSON.stringify([event.principal, event.label]);
    if (!isDown && !principals.delete(principal)) return;
    if (isDown) down.set(series, principals.add(principal));
    storeDown.record(principals.size > 0 ? 1 : 0, labels);
  };
  const advice = { explicitBucketBoundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] };
  const seconds = (name: string, description: string) =>
    meter.createHistogram(name, { unit: 's', description, advice });
  const legDuration = seconds('credence.leg.duration', 'duration of one request to a peer');
  const tokenDuration = seconds('credence.token.duration', 'duration of one acquisition');
  const open = lruCache<LegEvent[]>(MAX_OPEN_ACQUISITIONS);

  const span = (event: TokenEvent | FailureEvent | CallFailedEvent) => {
    const failed = 'code' in event;
    const attributes = {
      ...common(event),
      'credence.outcome': event.type,
      ...whoActs(event),
      ...(failed ? { ...failureLabels(event), ...peerAttributes(event) } : {}),
      ...(!failed && { 'credence.scopes': boundedScopes(event.scopes), 'credence.token.hash': event.tokenHash }),
    };
    const what = event.type === 'call-failed' ? 'call' : 'token';
    const parent = tracer.startSpan(`credence ${what} ${event.server ?? ''}`.trim(), {
      startTime: event.timeMs - event.durationMs,
      attributes,
    });
    if (failed) parent.setStatus({ code: SpanStatusCode.ERROR, message: event.message });
    const legs = open.get(event.acquisition ?? '') ?? [];
    open.delete(event.acquisition ?? '');
    const inside = trace.setSpan(context.active(), parent);
    for (const leg of legs) {
      const child = tracer.startSpan(
        `credence ${leg.leg} ${leg.operation}`,
        {
          kind: SpanKind.CLIENT,
          startTime: leg.timeMs - leg.durationMs,
          attributes: { ...legLabels(leg), ...peerAttributes(leg) },
        },
        inside,
      );
      if (!leg.ok) child.setStatus({ code: SpanStatusCode.ERROR });
      child.end(leg.timeMs);
    }
    parent.end(event.timeMs);
    if (event.type === 'call-failed') return;
    tokenDuration.record(event.durationMs / 1000, { ...common(forMetrics(event)), 'credence.outcome': event.type });
  };

  return (event) => {
    switch (event.type) {
      case 'leg':
        legDuration.record(event.durationMs / 1000, legLabels(forMetrics(event)));
        if (event.acquisition !== undefined) remember(open, event.acquisition, event);
        return;
      case 'acquired':
      case 'renewed':
        counters[event.type].add(1, common(forMetrics(event)));
        span(event);
        return;
      case 'refused':
      case 'renewal-failed':
        counters[event.type].add(1, failureLabels(forMetrics(event)));
        span(event);
        return;
      case 'call-failed':
        counters[event.type].add(1, failureLabels(forMetrics(event)));
        span(event);
        return;
      case 'token-failed':
        counters[event.type].add(1, failureLabels(forMetrics(event)));
        return;
      case 'joined':
      case 'shared':
      case 'rejected':
      case 'step-up':
        counters[event.type].add(1, common(forMetrics(event)));
        return;
      case 'closed':
        setStoreDown(event, false);
        return;
      case 'warning':
        if (event.code === 'store_unavailable') setStoreDown(event, true);
        if (event.code === 'store_available') setStoreDown(event, false);
        counters.warning.add(1, {
          ...common(forMetrics(event)),
          'credence.leg': event.leg,
          ...(event.code !== undefined && { 'credence.warning': event.code }),
        });
        return;
    }
  };
}

function remember(open: LruCache<LegEvent[]>, acquisition: string, leg: LegEvent): void {
  const legs = open.get(acquisition);
  if (!legs) open.set(acquisition, [leg]);
  else if (legs.length < MAX_LEGS) legs.push(leg);
}

/** The labels that every metric has: names of the configuration. */
function common(event: CredenceEvent): Attributes {
  return {
    ...(event.server !== undefined && { 'credence.server': event.server }),
    ...(event.principal !== undefined && { 'credence.principal': event.principal }),
    ...(event.label !== undefined && { 'credence.label': event.label }),
  };
}

function failureLabels(event: FailureEvent | CallFailedEvent | TokenFailedEvent): Attributes {
  return {
    ...common(event),
    ...errorLabels(event),
    'credence.leg': event.leg,
    'credence.contact': event.contact,
  };
}

/** Who the human and the agent are, and which run, for spans. There are too many values for labels of metrics. */
function whoActs(event: TokenEvent | FailureEvent | CallFailedEvent): Attributes {
  const { user, run } = event;
  const { subject, actor } = 'tokenHash' in event ? event : {};
  return {
    ...(user !== undefined && { 'credence.user': user }),
    ...(run !== undefined && { 'credence.run': run }),
    ...(subject !== undefined && { 'credence.subject': subject }),
    ...(actor !== undefined && { 'credence.actor': actor }),
  };
}

/** The labels of an error. No value is chosen by a peer. */
function errorLabels({ code, error }: { code?: string | undefined; error?: string | undefined }): Attributes {
  return {
    ...(code !== undefined && { 'error.type': code }),
    ...(error !== undefined && { 'credence.oauth.error': oauthErrorLabel(error) }),
  };
}

function legLabels(leg: LegEvent): Attributes {
  return {
    ...common(leg),
    ...errorLabels(leg),
    'credence.leg': leg.leg,
    'credence.operation': leg.operation,
    ...(leg.status !== undefined && { 'http.response.status_code': statusLabel(leg.status) }),
  };
}

/** What a peer sent, for spans. These values are not labels of metrics. */
function peerAttributes({ status, error, peerText, causeCode, retryAfterSeconds }: PeerDetails): Attributes {
  return {
    ...(status !== undefined && { 'http.response.status_code': status }),
    ...(error !== undefined && { 'credence.oauth.error': cut(error, 64) }),
    ...(peerText !== undefined && { 'credence.peer.text': peerText }),
    ...(causeCode !== undefined && { 'credence.cause.code': causeCode }),
    ...(retryAfterSeconds !== undefined && { 'credence.retry_after_s': retryAfterSeconds }),
  };
}
