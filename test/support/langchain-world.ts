import { clientSecret, ServicePrincipal, type ServicePrincipalOptions } from '@credence/core';
import { type LoadedTools, loadTools, type LoadToolsOptions } from '@credence/langchain';
import { type OAuthWorld, startOAuthWorld } from './oauth-world.ts';
import { type CannedAnswer, type Peer, type PeerAnswer, type PeerRequest, startPeer } from './peer.ts';

/** A JSON-RPC request that a scripted MCP server received with a valid token. */
export interface RpcRequest {
  readonly id: number | string | undefined;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** `Mcp-Session-Id`. */
  readonly session: string | undefined;
  readonly http: PeerRequest;
}

/** What a scripted MCP server answers to a method: a result, or any HTTP answer. */
export type RpcAnswer = { readonly result: object } | { readonly error: object } | { readonly http: PeerAnswer };
export type RpcHandler = (request: RpcRequest) => RpcAnswer | Promise<RpcAnswer>;

/** A 2025 MCP server of which a test scripts each answer. */
export interface ScriptedServer {
  readonly url: string;
  readonly peer: Peer;
  /** The requests with a valid token that arrived, by method. */
  received(method: string): readonly RpcRequest[];
}

/** Options of a bot, and the scopes that a step-up may add at each server. */
export type BotOptions = Partial<ServicePrincipalOptions> & { readonly stepUp?: readonly string[] };

/** An OAuth world, bots, and scripted MCP servers, with one `close` for all. */
export interface LangchainWorld {
  readonly oauth: OAuthWorld;
  /** Starts a server with a handler for each JSON-RPC method, and for `GET`. It has a session for each `initialize` and no tools, if the handlers do not say otherwise. */
  serve(handlers: Readonly<Record<string, RpcHandler>>): Promise<ScriptedServer>;
  /** Creates a bot that is granted these servers. */
  bot(servers: Readonly<Record<string, string>>, options?: BotOptions): ServicePrincipal;
  /** Loads the tools of these servers. */
  load(servers: Readonly<Record<string, string>>, options?: LoadToolsOptions): Promise<LoadedTools>;
  /** Called by `close`, last first. */
  onClose(close: () => Promise<void>): void;
  close(): Promise<void>;
}

/** The handler of `GET` gets no message. */
const NO_MESSAGE = { id: undefined, method: 'GET', params: {}, session: undefined };

export async function startLangchainWorld(): Promise<LangchainWorld> {
  const oauth = await startOAuthWorld();
  const closing: (() => Promise<void>)[] = [];

  function botFor(
    servers: Readonly<Record<string, string>>,
    { stepUp, ...options }: BotOptions = {},
  ): ServicePrincipal {
    const { idp, as, idpClient, asClient } = oauth;
    const credential = (client: typeof idpClient) =>
      clientSecret({ clientId: client.clientId, secret: client.secret ?? '' });
    const entries = Object.entries(servers).map(([name, url]) => {
      as.protect(url);
      const server = {
        url,
        resource: url,
        issuer: as.issuer,
        credential: credential(asClient),
        scopes: ['tools:read'],
        ...(stepUp && { stepUp }),
      };
      return [name, server] as const;
    });
    const bot = new ServicePrincipal({
      idp: { issuer: idp.issuer, credential: credential(idpClient) },
      retry: { retries: 0 },
      servers: Object.fromEntries(entries),
      ...options,
    });
    closing.push(async () => bot.close());
    return bot;
  }

  async function serve(handlers: Readonly<Record<string, RpcHandler>>): Promise<ScriptedServer> {
    const requests: RpcRequest[] = [];
    let sessions = 0;
    const answer = async (request: RpcRequest): Promise<RpcAnswer> => {
      const handler = handlers[request.method];
      if (handler) return handler(request);
      switch (request.method) {
        case 'initialize':
          return { result: {} };
        case 'notifications/initialized':
        case 'notifications/cancelled':
          return { http: { status: 202 } };
        case 'ping':
          return { result: {} };
        case 'tools/list':
          return { result: { tools: [] } };
        default:
          return { http: { status: 400, body: rpcError(null, -32_601, 'Method not found') } };
      }
    };
    const peer = await startPeer(async (http): Promise<PeerAnswer> => {
      if (oauth.as.verify(http.headers.authorization?.slice('Bearer '.length) ?? '') === undefined)
        return { status: 401 };
      if (http.method !== 'POST') {
        const get = http.method === 'GET' ? await handlers['GET']?.({ ...NO_MESSAGE, http }) : undefined;
        return get && 'http' in get ? get.http : { status: 405 };
      }
      const message = JSON.parse(http.body) as Pick<RpcRequest, 'id' | 'method' | 'params'>;
      const session = http.headers['mcp-session-id'];
      const request = { ...message, params: message.params ?? {}, session: session?.toString(), http };
      requests.push(request);
      const answered = await answer(request);
      if ('http' in answered) return answered.http;
      if ('error' in answered) return { body: { jsonrpc: '2.0', id: request.id, error: answered.error } };
      if (request.method !== 'initialize') return { body: { jsonrpc: '2.0', id: request.id, result: answered.result } };
      const result = {
        protocolVersion: '2025-06-18',
        capabilities: { tools: {} },
        serverInfo: { name: 'scripted', version: '1' },
        ...answered.result,
      };
      const initialized: CannedAnswer = { body: { jsonrpc: '2.0', id: request.id, result } };
      return { ...initialized, headers: { 'mcp-session-id': `session-${(sessions += 1)}` } };
    });
    closing.push(async () => peer.close());
    return {
      url: `${peer.origin}/mcp`,
      peer,
      received: (method) => requests.filter((request) => request.method === method),
    };
  }

  return {
    oauth,
    serve,
    bot: botFor,
    async load(servers, options) {
      const loaded = await loadTools(botFor(servers), Object.keys(servers), options);
      closing.push(loaded.close);
      return loaded;
    },
    onClose: (close) => void closing.push(close),
    async close() {
      for (const close of closing.splice(0).toReversed()) await close();
      await oauth.close();
    },
  };
}

export function rpcError(id: number | string | null, code: number, message: string): object {
  return { jsonrpc: '2.0', id, error: { code, message } };
}

/** A tool as a server lists it. */
export function listed(name: string, more: object = {}): object {
  return { name, inputSchema: { type: 'object' }, ...more };
}

/** The tool with this shown name. */
export function toolNamed(
  { tools, failures }: Pick<LoadedTools, 'tools' | 'failures'>,
  name: string,
): LoadedTools['tools'][number] {
  const found = tools.find((tool) => tool.name === name);
  if (!found) throw new Error(`no tool ${name}; failures: ${JSON.stringify(failures)}`);
  return found;
}

/** Calls a tool as an agent does. */
export async function callAsAgent(tool: LoadedTools['tools'][number], args: Record<string, unknown> = {}) {
  const answer: unknown = await tool.invoke({ type: 'tool_call', id: 'call-1', name: tool.name, args });
  return answer as { content: unknown; status: string; text: string };
}
