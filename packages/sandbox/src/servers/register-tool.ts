import { isObject } from '@credence/protocol';
import { toolScopeMeta } from '@credence/resource-server';
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { type SandboxTool, type ToolCaller, ToolRefusal } from './sandbox-tool.ts';

/** The name of the principal with this client id at the authorization server. */
export type PrincipalOf = (clientId: string | undefined) => string | undefined;

/**
 * Adds a tool to the MCP server of one session.
 * @param onCall is called before each run of the tool.
 * @param principalOf returns the name of the principal with this client id.
 */
export function registerTool(
  server: McpServer,
  tool: SandboxTool,
  onCall: () => void,
  principalOf: PrincipalOf = () => undefined,
): void {
  const { title, description, input, output, annotations } = tool;
  const config = {
    description,
    inputSchema: input,
    _meta: { ...toolScopeMeta(tool.scopes) },
    ...(title !== undefined && { title }),
    ...(output !== undefined && { outputSchema: output }),
    ...(annotations !== undefined && { annotations }),
  };
  server.registerTool(tool.name, config, async (args: unknown, { authInfo }): Promise<CallToolResult> => {
    onCall();
    const { subject: ofToken, actor } = authInfo?.extra ?? {};
    const subject = typeof ofToken === 'string' ? ofToken : (authInfo?.clientId ?? 'unknown');
    const caller: ToolCaller = {
      principal: principalOf(authInfo?.clientId) ?? subject,
      subject,
      scopes: authInfo?.scopes ?? [],
      ...(isObject(actor) && { actor }),
    };
    try {
      return answer(await tool.run(args, caller), output !== undefined);
    } catch (error) {
      if (error instanceof ToolRefusal) return { isError: true, content: [{ type: 'text', text: error.message }] };
      throw error;
    }
  });
}

function answer(result: unknown, structured: boolean): CallToolResult {
  const text = typeof result === 'string' ? result : (JSON.stringify(result, null, 2) ?? '');
  return {
    content: [{ type: 'text', text }],
    ...(structured && { structuredContent: { ...(result as Record<string, unknown>) } }),
  };
}
