import { assemble } from './assemble.ts';
import { resolveOptions, type SandboxOptions } from './options.ts';
import type { Sandbox } from './sandbox.ts';

/**
 * Starts an identity provider, two authorization servers and three MCP servers on free ports of 127.0.0.1, with service
 * principals, a policy and an audit trail. Nothing leaves the machine.
 *
 * @throws CredenceError `invalid_configuration` for options that do not exist or have the wrong kind.
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const settings = resolveOptions(options);
  const closers: (() => Promise<unknown>)[] = [];
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= Promise.all(closers.map((closer) => closer())).then(() => undefined);
    return closing;
  };
  try {
    const parts = await assemble(settings, (closer) => void closers.push(closer));
    return { ...parts, close };
  } catch (error) {
    await close();
    throw error;
  }
}
