import { describeExit } from './sdk-exit.ts';

describeExit('mcp-sdk.ts');
