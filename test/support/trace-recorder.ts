import { BaseTracer, type Run } from '@langchain/core/tracers/base';

/** A tracer that keeps the runs, with their child runs, inputs, outputs, metadata and errors. */
export class TraceRecorder extends BaseTracer {
  override name = 'trace-recorder';
  readonly #seen: unknown[];

  constructor(seen: unknown[]) {
    super();
    this.#seen = seen;
  }

  protected override async persistRun(run: Run): Promise<void> {
    this.#seen.push(run);
    return Promise.resolve();
  }
}
