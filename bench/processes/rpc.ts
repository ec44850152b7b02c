import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A method that the parent calls in a child process. Parameters and results are plain data. */
type Method = (...parameters: never[]) => Promise<unknown>;
export type Methods<M> = { [Name in keyof M]: Method };

export interface Child<M> {
  call<Name extends keyof M & string>(
    name: Name,
    ...parameters: Parameters<Extract<M[Name], Method>>
  ): Promise<Awaited<ReturnType<Extract<M[Name], Method>>>>;
  stop(): Promise<void>;
}

interface Call {
  readonly id: number;
  readonly name: string;
  readonly parameters: readonly unknown[];
}
type Reply = { readonly id: number } & ({ readonly answer: unknown } | { readonly error: string });

/** Runs in the child: executes the calls of the parent, and exits when the parent exits. */
export function answer(methods: Readonly<Record<string, Method>>): void {
  const run = async ({ name, parameters }: Call): Promise<unknown> => {
    const method = methods[name];
    if (!method) throw new Error(`no method ${name}`);
    return method(...(parameters as never[]));
  };
  const reply = (message: Reply) => process.send?.(message);
  process.on('message', (call: Call) => {
    const { id } = call;
    run(call).then(
      (result) => reply({ id, answer: result }),
      (error: unknown) => reply({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  process.on('disconnect', () => process.exit());
}

/** Starts `module` (a file URL) as a child process with these additional options of node. */
export function start<M extends Methods<M>>(module: URL, nodeOptions: readonly string[] = []): Child<M> {
  const child: ChildProcess = fork(fileURLToPath(module), {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    execArgv: [...process.execArgv, ...nodeOptions],
    serialization: 'advanced',
  });
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  let lastId = 0;
  child.on('message', (reply: Reply) => {
    const waiter = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ('error' in reply) waiter?.reject(new Error(`in ${fileURLToPath(module)}: ${reply.error}`));
    else waiter?.resolve(reply.answer as never);
  });
  child.on('exit', (code, signal) => {
    const exited = new Error(`${fileURLToPath(module)} exited early (${code ?? signal})`);
    for (const { reject } of waiting.values()) reject(exited);
    waiting.clear();
  });
  return {
    call: (name, ...parameters) =>
      new Promise((resolve, reject) => {
        if (!child.connected) {
          reject(new Error(`${fileURLToPath(module)} is not running`));
          return;
        }
        lastId += 1;
        waiting.set(lastId, { resolve, reject });
        child.send({ id: lastId, name, parameters } satisfies Call);
      }),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}
