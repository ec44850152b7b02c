import type { FetchLike, ServicePrincipal } from '@credence/core';

/** A minimal MCP session over Streamable HTTP. It shows that the server accepts the tokens, without the cost of an SDK. */
export class McpCaller {
  readonly #send: FetchLike;
  readonly #url: URL;
  #session: string | undefined;
  #lastId = 0;

  constructor(bot: ServicePrincipal, server: string) {
    this.#send = bot.fetchFor(server);
    this.#url = bot.server(server).url;
  }

  async open(): Promise<void> {
    const response = await this.#post('initialize', {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'fleet', version: '1' },
    });
    this.#session = response.headers.get('mcp-session-id') ?? undefined;
  }

  async listTools(): Promise<void> {
    await this.#post('tools/list', {});
  }

  async close(): Promise<void> {
    const response = await this.#send(this.#url, { method: 'DELETE', headers: this.#headers() });
    await response.text();
  }

  async #post(method: string, params: object): Promise<Response> {
    this.#lastId += 1;
    const response = await this.#send(this.#url, {
      method: 'POST',
      headers: this.#headers(),
      body: JSON.stringify({ jsonrpc: '2.0', id: this.#lastId, method, params }),
    });
    const text = await response.text();
    if (!response.ok || !text.includes('"result"')) throw new Error(`${method}: ${response.status} ${text}`);
    return response;
  }

  #headers(): Record<string, string> {
    return {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      ...(this.#session !== undefined && { 'mcp-session-id': this.#session }),
    };
  }
}
