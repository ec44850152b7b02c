/**
 * A separate program whose sandboxes cannot start, because the last of their servers fails while the others are being opened. It
 * never calls process.exit, so it runs on if a start leaves a port open. It prints the messages of the errors.
 */
import { sandboxTool } from '../servers/sandbox-tool.ts';
import { startSandbox } from '../start-sandbox.ts';
import type { SandboxServer } from '../world/server.ts';

const tools = [sandboxTool({ name: 'read', scope: 'own:read', description: 'Reads', run: () => 'x' })];

async function messageWith(late: SandboxServer): Promise<string> {
  const started = startSandbox({ servers: { early: { tools }, late, other: { tools } } });
  return started.then(
    () => 'it started',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

async function main(): Promise<void> {
  const fails = () => {
    throw new Error('no database');
  };
  const messages = [
    await messageWith({ mcpServer: fails }),
    await messageWith({ mcpServer: () => ({}) as never }),
    await messageWith({ module: new URL('missing.js', import.meta.url) }),
    await messageWith({ module: new URL('mcp-client.ts', import.meta.url) }),
  ];
  process.stdout.write(JSON.stringify(messages));
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
