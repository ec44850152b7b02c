/** A message of JSON-RPC, read as far as the fake needs it. */
export interface RpcMessage {
  /** Undefined for a notification. */
  readonly id: string | number | undefined;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** The messages in a body. Undefined if the body is no message and no list of messages. */
export function messagesIn(body: string): readonly RpcMessage[] | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return undefined;
  }
  const messages = (Array.isArray(parsed) ? parsed : [parsed]).map(messageOf);
  return messages.every((message) => message !== undefined) ? messages : undefined;
}

function messageOf(value: unknown): RpcMessage | undefined {
  if (!isRecord(value)) return undefined;
  const { id, method, params } = value;
  if (method !== undefined && typeof method !== 'string') return undefined;
  return {
    id: typeof id === 'string' || typeof id === 'number' ? id : undefined,
    method: method ?? '',
    params: isRecord(params) ? params : {},
  };
}

/** Whether the value is an object and no list. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
