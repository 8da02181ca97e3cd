//! XMS simulator. Imports no production room, so that it shares no bug with them.
