import type { FakeCaller, FakeTool } from '../settings/options.ts';
import type { ServerSettings } from '../settings/settings.ts';
import { isRecord, type RpcMessage } from './json-rpc.ts';

/** The revisions of MCP that the fake speaks, the newest first. */
const REVISIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];

/** The answer to a message; undefined for a notification or a response, which gets none. */
export async function answerTo(
  { id, method, params }: RpcMessage,
  server: ServerSettings,
  caller: FakeCaller,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  if (id === undefined || method === '') return undefined;
  const outcome = await outcomeOf(method, params, server, caller);
  return { jsonrpc: '2.0', id, ...outcome };
}

async function outcomeOf(
  method: string,
  params: Readonly<Record<string, unknown>>,
  { name, tools = new Map<string, FakeTool>() }: ServerSettings,
  caller: FakeCaller,
): Promise<{ result: unknown } | { error: { code: number; message: string } }> {
  switch (method) {
    case 'initialize': {
      const asked = params['protocolVersion'];
      const protocolVersion = REVISIONS.find((revision) => revision === asked) ?? REVISIONS[0];
      return { result: { protocolVersion, capabilities: { tools: {} }, serverInfo: { name, version: '1.0.0' } } };
    }
    case 'ping':
      return { result: {} };
    case 'tools/list':
      return { result: { tools: [...tools].map(([toolName, tool]) => listed(toolName, tool)) } };
    case 'tools/call': {
      const tool = tools.get(String(params['name']));
      if (tool === undefined) return { error: { code: -32602, message: `Unknown tool: ${String(params['name'])}` } };
      const { arguments: args } = params;
      return { result: await resultOf(tool, isRecord(args) ? args : {}, caller) };
    }
    default:
      return { error: { code: -32601, message: `Method not found: ${method}` } };
  }
}

function listed(name: string, { description, inputSchema = { type: 'object' } }: FakeTool) {
  return { name, ...(description !== undefined && { description }), inputSchema };
}

/** The result of a tool. An error of the handler is a result too, as the MCP specification wants it. */
async function resultOf({ handler }: FakeTool, args: Readonly<Record<string, unknown>>, caller: FakeCaller) {
  try {
    const value = await handler(args, caller);
    if (isRecord(value) && Array.isArray(value['content'])) return value;
    return { content: [{ type: 'text', text: typeof value === 'string' ? value : (JSON.stringify(value) ?? '') }] };
  } catch (error) {
    return { content: [{ type: 'text', text: messageOf(error) }], isError: true };
  }
}

function messageOf(error: unknown): string {
  const message = isRecord(error) ? error['message'] : undefined;
  return typeof message === 'string' ? message : String(error);
}
