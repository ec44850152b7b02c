import { describeExit } from './sdk-exit.ts';

describeExit('mcp-sdk-v2.ts');
